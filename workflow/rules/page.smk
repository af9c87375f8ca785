# The page to look at: one file with everything, from finished reports, or from the cells that exist.

PAGE_COMMAND = mtl_command(
    "page --plan {params.plan:q} --results {params.results} --tables {params.tables} --benchmarks {params.benchmarks}"
    " --output {output}"
)


rule page:
    input:
        reports.targets(),
        # What a cell was made with stands in its section.
        experiment.inventory.records(),
    output:
        report(
            "<results>/report.html",
            category="Everything on one page",
            caption="../report/page.rst",
            labels={"report": "the page"},
        ),
    log:
        "<logs>/report.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        results=lambda wildcards, output: Path(output[0]).parent,
        tables=lambda wildcards, output: Path(output[0]).parent,
        benchmarks=grid.config.pathvars.benchmarks,
        plan=experiment.page.plan(list(map(str, configfiles)), config_args),
        # Not inputs, because plain `snakemake` does not build them; a parameter, so that the page shows new ones.
        optional=experiment.page.optional(),
        code=experiment.page.code(),
    message:
        "putting everything on one page"
    shell:
        PAGE_COMMAND


rule partial_page:
    input:
        expand("<results>/partial/{table}.csv", table=reports.built_tables()),
    output:
        "<results>/partial/report.html",
    log:
        "<logs>/partial/report.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        results=lambda wildcards, output: Path(output[0]).parents[1],
        tables=lambda wildcards, output: Path(output[0]).parent,
        benchmarks=grid.config.pathvars.benchmarks,
        plan=experiment.page.plan(list(map(str, configfiles)), config_args),
        optional=experiment.page.optional(),
        code=experiment.page.code(),
        # Not inputs, because no cell must run for it; a parameter, so that it shows new results.
        seen=experiment.page.seen(),
    message:
        "putting the cells that exist on one page"
    shell:
        PAGE_COMMAND
