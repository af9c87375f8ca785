# Decisions and learning rates: reports whose cells are variants of methods. Plain `snakemake` does not build them.

RATES_COMMAND = mtl_command(
    "rates --plan {params.plan:q} --results {params.results}"
    " --csv {output.csv} --markdown {output.markdown}"
)


rule decisions:
    input:
        lambda wildcards: experiment.variant_reports.decided_files(),
    output:
        csv=report(
            "<results>/decisions.csv",
            category="Decisions",
            caption="../report/decisions.rst",
            labels={"report": "decisions, numbers"},
        ),
        markdown="<results>/decisions.md",
        png=report(
            "<results>/decisions.png",
            category="Decisions",
            caption="../report/decisions.rst",
            labels={"report": "decisions, drawn"},
        ),
        svg="<results>/decisions.svg",
    log:
        "<logs>/decisions.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        results=lambda wildcards, output: Path(output.csv).parent,
        plan=lambda wildcards: experiment.variant_reports.decisions(),
        code=lambda wildcards: experiment.variant_reports.code("decisions"),
    message:
        "comparing decisions"
    shell:
        mtl_command(
            "decisions --plan {params.plan:q} --results {params.results}"
            " --csv {output.csv} --markdown {output.markdown} --png {output.png} --svg {output.svg}"
        )


rule rates:
    input:
        lambda wildcards: experiment.variant_reports.rate_files(),
    output:
        csv=report(
            "<results>/rates.csv",
            category="Rates",
            caption="../report/rates.rst",
            labels={"report": "rates"},
        ),
        markdown="<results>/rates.md",
    log:
        "<logs>/rates.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        results=lambda wildcards, output: Path(output.csv).parent,
        plan=lambda wildcards: experiment.variant_reports.rates(),
        code=lambda wildcards: experiment.variant_reports.code("rates"),
    message:
        "comparing learning rates"
    shell:
        RATES_COMMAND


rule partial_rates:
    output:
        csv="<results>/partial/rates.csv",
        markdown="<results>/partial/rates.md",
    log:
        "<logs>/partial/rates.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        results=lambda wildcards, output: Path(output.csv).parents[1],
        plan=lambda wildcards: experiment.variant_reports.rates(),
        code=lambda wildcards: experiment.variant_reports.code("rates"),
        # Not inputs, because no cell must run for it; a parameter, so that it shows new results.
        seen=lambda wildcards: experiment.variant_reports.rates_seen(),
    message:
        "comparing learning rates of the cells that exist"
    shell:
        RATES_COMMAND
