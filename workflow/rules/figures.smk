# Figures from finished cells, each beside what the paper printed.


rule figure:
    input:
        lambda wildcards: reports.figure_files(wildcards.figure),
        published=lambda wildcards: project.shown(reports.published(wildcards.figure)),
    output:
        csv="<results>/figures/{figure}.csv",
        png=report(
            "<results>/figures/{figure}.png",
            category="Figures",
            caption="../report/figure.rst",
            labels={"report": "{figure}"},
        ),
        svg="<results>/figures/{figure}.svg",
    log:
        "<logs>/figures/{figure}.log",
    wildcard_constraints:
        figure="|".join(reports.figures()) or "none",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        results=lambda wildcards, output: Path(output.csv).parents[1],
        plan=lambda wildcards: reports.figure(wildcards.figure),
        code=lambda wildcards: reports.code(wildcards.figure),
    message:
        "drawing {wildcards.figure}"
    shell:
        mtl_command(
            "figure {wildcards.figure} --plan {params.plan:q} --published {input.published:q} --results {params.results}"
            " --csv {output.csv} --png {output.png} --svg {output.svg}"
        )
