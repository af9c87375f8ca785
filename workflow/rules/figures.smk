# Figures from finished cells, each beside what the paper printed.

FIGURES = layouts.figures()


rule figure:
    input:
        lambda wildcards: layouts.files(
            FIGURES[wildcards.figure].cells, *FIGURES[wildcards.figure].files
        ),
        published=lambda wildcards: f"config/published/{FIGURES[wildcards.figure].published}.csv",
    output:
        csv="<results>/figures/{figure}.csv",
        png=report(
            "<results>/figures/{figure}.png",
            category="Figures",
            caption="../report/figure.rst",
        ),
        svg="<results>/figures/{figure}.svg",
    log:
        "<logs>/figures/{figure}.log",
    wildcard_constraints:
        figure="|".join(FIGURES),
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        results=lambda wildcards, output: Path(output.csv).parents[1],
        layout=lambda wildcards: layouts.figure(wildcards.figure),
        code=lambda wildcards: fingerprint(
            f"reporting.{wildcards.figure.replace('-', '_')}"
        ),
    message:
        "drawing {wildcards.figure}"
    shell:
        "mtl figure {wildcards.figure} --layout {params.layout:q} --published {input.published} --results {params.results}"
        " --csv {output.csv} --png {output.png} --svg {output.svg} 2>&1 | (trap '' INT TERM; exec tee {log})"
