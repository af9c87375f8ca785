# Surveys: methods on one footing. Plain `snakemake` does not build them.


rule survey:
    input:
        lambda wildcards: surveys.files(wildcards.survey),
        published=project.shown("config/published/methods.csv"),
        tables=TABLES,
    output:
        csv=report(
            "<results>/{survey}.csv",
            category="Surveys",
            caption="../report/survey.rst",
            labels={"report": "{survey}, numbers"},
        ),
        markdown="<results>/{survey}.md",
        png=report(
            "<results>/{survey}.png",
            category="Surveys",
            caption="../report/survey.rst",
            labels={"report": "{survey}, drawn"},
        ),
        svg="<results>/{survey}.svg",
    log:
        "<logs>/{survey}.log",
    wildcard_constraints:
        survey="|".join(surveys.names()) or "none",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        results=lambda wildcards, output: Path(output.csv).parent,
        benchmarks=grid.config.pathvars.benchmarks,
        plan=lambda wildcards: surveys.plan(wildcards.survey),
        code=lambda wildcards: surveys.code(),
    message:
        "comparing methods: {wildcards.survey}"
    shell:
        mtl_command(
            "survey --plan {params.plan:q} --published {input.published:q} --tables {input.tables:q} --results {params.results}"
            " --benchmarks {params.benchmarks} --csv {output.csv} --markdown {output.markdown}"
            " --png {output.png} --svg {output.svg}"
        )
