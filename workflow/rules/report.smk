# Tables, claims and figures from finished cells. The cells are in the layouts; as arguments they would be too long.

LOGS = config["pathvars"]["logs"]


rule table:
    input:
        published="config/published/tables.csv",
        episodes=lambda wildcards: layouts.files(
            layouts.cells(wildcards.table), "episodes.csv"
        ),
    output:
        csv=report(
            "<results>/{table}.csv", category="Tables", caption="../report/table.rst"
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
        logs=LOGS,
        layout=lambda wildcards: layouts.table(wildcards.table),
        # A cell that was deleted is to be run again.
        complete=lambda wildcards: layouts.complete(wildcards.table),
        code=fingerprint("reporting.tables"),
    message:
        "building {wildcards.table}"
    shell:
        "mtl table --layout {params.layout:q} --published {input.published} --results {params.results} --logs {params.logs}"
        " --csv {output.csv} --markdown {output.markdown} 2>&1 | (trap '' INT TERM; exec tee {log})"


rule partial_table:
    input:
        published="config/published/tables.csv",
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
        logs=LOGS,
        layout=lambda wildcards: layouts.table(wildcards.table),
        code=fingerprint("reporting.tables"),
        # No inputs, because nothing is to be run for it; but what is new is to be shown.
        seen=lambda wildcards: layouts.seen(wildcards.table),
    message:
        "building {wildcards.table} from the cells there are"
    shell:
        "mtl table --layout {params.layout:q} --published {input.published} --results {params.results} --logs {params.logs}"
        " --csv {output.csv} --markdown {output.markdown} 2>&1 | (trap '' INT TERM; exec tee {log})"


rule claims:
    input:
        layouts.files(
            layouts.claimed_cells("difference"), "episodes.csv", "evaluation.json"
        ),
        layouts.files(layouts.claimed_cells("sooner"), "history.csv", "training.json"),
        layouts.files(layouts.claimed_cells("fewer"), "training.json"),
    output:
        csv=report(
            "<results>/claims.csv", category="Tables", caption="../report/claims.rst"
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
        layout=layouts.claims(),
        code=fingerprint("reporting.claims"),
    message:
        "testing the claims"
    shell:
        "mtl claims --layout {params.layout:q} --results {params.results}"
        " --csv {output.csv} --markdown {output.markdown} 2>&1 | (trap '' INT TERM; exec tee {log})"


rule manifest:
    input:
        layouts.targets(),
        # They name the commit, so they may change where nothing else does.
        layouts.records(),
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
        layout=layouts.manifest(
            list(map(str, configfiles)), list(workflow.config_settings.config_args)
        ),
        code=fingerprint("reporting.manifest"),
    message:
        "listing all files with their checksums"
    shell:
        "mtl manifest --layout {params.layout:q} --results {params.results} --output {output} 2>&1 | (trap '' INT TERM; exec tee {log})"
