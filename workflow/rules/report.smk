# Tables and figures from finished cells.


rule table:
    input:
        episodes=[f"<results>/{cell.folder}/episodes.csv" for cell in plan.cells()],
    output:
        csv=report(
            "<results>/{table}.csv", category="Tables", caption="../report/table.rst"
        ),
        markdown="<results>/{table}.md",
    log:
        "<logs>/{table}.log",
    wildcard_constraints:
        table="table1",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        layout=lambda wildcards: plan.table_layout(wildcards.table),
    message:
        "building {wildcards.table}"
    shell:
        "mtl table --layout {params.layout:q} --csv {output.csv} --markdown {output.markdown} {input.episodes}"
        " 2>&1 | tee {log}"


rule comparisons:
    input:
        episodes=[f"<results>/{cell.folder}/episodes.csv" for cell in plan.cells()],
    output:
        csv=report(
            "<results>/comparisons.csv",
            category="Tables",
            caption="../report/comparisons.rst",
        ),
        markdown="<results>/comparisons.md",
    log:
        "<logs>/comparisons.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        layout=plan.comparisons_layout(),
    message:
        "comparing rows"
    shell:
        "mtl comparisons --layout {params.layout:q} --csv {output.csv} --markdown {output.markdown} {input.episodes}"
        " 2>&1 | tee {log}"


rule convergence:
    input:
        histories=[
            f"<results>/{cell.folder}/history.csv"
            for cell in plan.cells()
            if cell.method in plan.curves()
        ],
    output:
        csv="<results>/figures/convergence.csv",
        png=report(
            "<results>/figures/convergence.png",
            category="Figures",
            caption="../report/convergence.rst",
        ),
        svg="<results>/figures/convergence.svg",
    log:
        "<logs>/figures/convergence.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        layout=plan.convergence_layout(),
    message:
        "drawing the convergence figure"
    shell:
        "mtl convergence --layout {params.layout:q} --csv {output.csv} --png {output.png} --svg {output.svg}"
        " {input.histories} 2>&1 | tee {log}"
