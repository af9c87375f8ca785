# Tables, claims and figures from finished cells.


def results_of(cells, *names):
    return [f"<results>/{cell.folder}/{name}" for cell in cells for name in names]


def finished(cells):
    paths = [
        Path(config["pathvars"]["results"], cell.folder, "episodes.csv")
        for cell in cells
    ]
    return [path for path in paths if path.is_file()]


rule table:
    input:
        published="config/published/tables.csv",
        episodes=lambda wildcards: results_of(
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
        layout=lambda wildcards: layouts.table(wildcards.table),
    message:
        "building {wildcards.table}"
    shell:
        "mtl table --layout {params.layout:q} --published {input.published}"
        " --csv {output.csv} --markdown {output.markdown} {input.episodes} 2>&1 | tee {log}"


# What there is now, which is why the cells are no inputs: nothing is run for it.
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
        layout=lambda wildcards: layouts.table(wildcards.table),
        logs=config["pathvars"]["logs"],
        episodes=lambda wildcards: finished(layouts.cells(wildcards.table)),
        # A cell that was run again is to be shown.
        changed=lambda wildcards: [
            path.stat().st_mtime_ns
            for path in finished(layouts.cells(wildcards.table))
        ],
    message:
        "building {wildcards.table} from the cells there are"
    shell:
        "mtl table --layout {params.layout:q} --published {input.published} --logs {params.logs}"
        " --csv {output.csv} --markdown {output.markdown} {params.episodes} 2>&1 | tee {log}"


rule claims:
    input:
        episodes=results_of(
            layouts.claimed_cells("difference"), "episodes.csv", "evaluation.json"
        ),
        histories=results_of(layouts.claimed_cells("sooner"), "history.csv"),
        summaries=results_of(layouts.claimed_cells("fewer"), "training.json"),
    output:
        csv=report(
            "<results>/claims.csv",
            category="Tables",
            caption="../report/claims.rst",
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
        layout=layouts.claims(),
    message:
        "testing the claims"
    shell:
        "mtl claims --layout {params.layout:q} --csv {output.csv} --markdown {output.markdown} {input} 2>&1 | tee {log}"


rule figure4:
    input:
        published="config/published/figure4.csv",
        measured=results_of(layouts.curve_cells(), "curve.csv", "history.csv"),
    output:
        csv="<results>/figures/figure4.csv",
        png=report(
            "<results>/figures/figure4.png",
            category="Figures",
            caption="../report/figure4.rst",
        ),
        svg="<results>/figures/figure4.svg",
    log:
        "<logs>/figures/figure4.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        layout=layouts.figure4(),
    message:
        "drawing figure 4"
    shell:
        "mtl figure4 --layout {params.layout:q} --published {input.published}"
        " --csv {output.csv} --png {output.png} --svg {output.svg} {input.measured} 2>&1 | tee {log}"


rule forest:
    input:
        published="config/published/tables.csv",
        measured=results_of(layouts.printed_cells(), "episodes.csv"),
    output:
        csv="<results>/figures/published.csv",
        png=report(
            "<results>/figures/published.png",
            category="Figures",
            caption="../report/published.rst",
        ),
        svg="<results>/figures/published.svg",
    log:
        "<logs>/figures/published.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        layout=layouts.published(),
    message:
        "drawing measured and published accuracies"
    shell:
        "mtl forest --layout {params.layout:q} --published {input.published}"
        " --csv {output.csv} --png {output.png} --svg {output.svg} {input.measured} 2>&1 | tee {log}"


rule scale_shift:
    input:
        published="config/published/scale-shift.csv",
        measured=results_of(layouts.scale_shift_cells(), "model.safetensors"),
    output:
        csv="<results>/figures/scale-shift.csv",
        png=report(
            "<results>/figures/scale-shift.png",
            category="Figures",
            caption="../report/scale-shift.rst",
        ),
        svg="<results>/figures/scale-shift.svg",
    log:
        "<logs>/figures/scale-shift.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        layout=layouts.scale_shift(),
    message:
        "drawing the learned scales and shifts"
    shell:
        "mtl scale-shift --layout {params.layout:q} --published {input.published}"
        " --csv {output.csv} --png {output.png} --svg {output.svg} {input.measured} 2>&1 | tee {log}"
