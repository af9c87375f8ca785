# Tables, claims and the manifest from finished cells. Plans name the cells, which would be too long as arguments.

TABLES = project.shown("config/published/tables.csv")
TABLE_COMMAND = mtl_command(
    "table --plan {params.plan:q} --published {input.published:q} --results {params.results} --logs {params.logs}"
    " --csv {output.csv} --markdown {output.markdown}"
)


rule table:
    input:
        published=TABLES,
        episodes=lambda wildcards: reports.files(
            reports.cells(wildcards.table), "episodes.csv"
        ),
    output:
        csv=report(
            "<results>/{table}.csv",
            category="Tables",
            caption="../report/table.rst",
            labels={"report": "{table}"},
        ),
        markdown="<results>/{table}.md",
    log:
        "<logs>/{table}.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        results=lambda wildcards, output: Path(output.csv).parent,
        logs=grid.config.pathvars.logs,
        plan=lambda wildcards: reports.table(wildcards.table),
        # Makes Snakemake run deleted cells again.
        complete=lambda wildcards: experiment.inventory.complete(wildcards.table),
        code=reports.code("table"),
    message:
        "building {wildcards.table}"
    shell:
        TABLE_COMMAND


rule partial_table:
    input:
        published=TABLES,
    output:
        csv="<results>/partial/{table}.csv",
        markdown="<results>/partial/{table}.md",
    log:
        "<logs>/partial/{table}.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        results=lambda wildcards, output: Path(output.csv).parents[1],
        logs=grid.config.pathvars.logs,
        plan=lambda wildcards: reports.table(wildcards.table),
        code=reports.code("table"),
        # Not inputs, because no cell must run for it; a parameter, so that it shows new results.
        seen=lambda wildcards: experiment.inventory.seen(wildcards.table),
    message:
        "building {wildcards.table} from the cells that exist"
    shell:
        TABLE_COMMAND


rule claims:
    input:
        reports.files(
            reports.claimed_cells("difference"), "episodes.csv", "evaluation.json"
        ),
        reports.files(reports.claimed_cells("sooner"), "history.csv", "training.json"),
        reports.files(reports.claimed_cells("fewer"), "training.json"),
    output:
        csv=report(
            "<results>/claims.csv",
            category="Claims",
            caption="../report/claims.rst",
            labels={"report": "claims"},
        ),
        markdown="<results>/claims.md",
    log:
        "<logs>/claims.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        results=lambda wildcards, output: Path(output.csv).parent,
        plan=reports.claims(),
        code=reports.code("claims"),
    message:
        "testing the claims"
    shell:
        mtl_command(
            "claims --plan {params.plan:q} --results {params.results}"
            " --csv {output.csv} --markdown {output.markdown}"
        )


rule manifest:
    input:
        reports.targets(),
        # Records name the commit, so they may change when nothing else does.
        experiment.inventory.records(),
    output:
        "<results>/manifest.json",
    log:
        "<logs>/manifest.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
        plan=experiment.inventory.manifest(list(map(str, configfiles)), config_args),
        code=reports.code("manifest"),
    message:
        "listing all files with their checksums"
    shell:
        mtl_command(
            "manifest --plan {params.plan:q} --results {params.results} --output {output}"
        )
