# From a dataset's archives and class list to prepared images and stored episodes.

IMAGES = f"<resources>/{{dataset}}/{grid.config.image_size}px/images.npy"
SPLIT = "<resources>/{dataset}/split.csv"
EPISODES = "<results>/{dataset}/episodes/seed{seed}/{split}-{way}way-{shot}shot-{query}query.npz"
SOURCE = "<resources>/{dataset}/source.json"


rule fetch:
    input:
        # Only to recognise a tree: another split must not fetch again.
        classes=lambda wildcards: ancient(jobs.class_list(wildcards)),
        datasets=ancient(project.shown("config/datasets.yaml")),
    output:
        SOURCE,
    log:
        "<logs>/{dataset}/fetch.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=24 * 60,
        # Not a parameter, because moving the data must not rerun anything.
        data=lambda wildcards: sources[wildcards.dataset].folder,
    params:
        checksums=jobs.checksums,
        edition=lambda wildcards: sources[wildcards.dataset].name,
        archives=lambda wildcards, output: Path(output[0]).parents[1] / "archives",
    message:
        "fetching {wildcards.dataset}"
    shell:
        mtl_command(
            "fetch --datasets {input.datasets:q} --dataset {wildcards.dataset} --classes {input.classes:q}"
            " --folder={resources.data:q} --archives {params.archives} --edition={params.edition} --output {output}"
        )


rule split:
    input:
        source=jobs.if_fetched(SOURCE),
        classes=lambda wildcards: ancient(jobs.class_list(wildcards)),
    output:
        SPLIT,
    log:
        "<logs>/{dataset}/split.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
        data=grid.config.data,
    params:
        images_per_class=jobs.images_per_class,
        class_list=jobs.class_list_digest,
        code=jobs.code("split"),
        source=option("source"),
    message:
        "splitting {wildcards.dataset}"
    shell:
        mtl_command(
            "split --classes {input.classes:q} --images-per-class {params.images_per_class} {params.source}"
            " --folder={resources.data:q} --output {output}"
        )


rule prepare:
    input:
        source=jobs.if_fetched(SOURCE),
        split=SPLIT,
    output:
        images="<resources>/{dataset}/{size}px/images.npy",
        samples="<resources>/{dataset}/{size}px/samples.png",
        summary="<resources>/{dataset}/{size}px/summary.json",
    log:
        "<logs>/{dataset}/prepare-{size}px.log",
    benchmark:
        "<benchmarks>/{dataset}/prepare-{size}px.jsonl"
    conda:
        "../envs/mtl.yaml"
    threads: threads_of("prepare")
    resources:
        **resources_of("prepare"),
        # Not a parameter, because it is only compared with the pixels.
        reference=jobs.reference,
        data=grid.config.data,
    params:
        spec=jobs.spec("prepare"),
        code=jobs.code("prepare"),
        source=option("source"),
    message:
        "preparing {wildcards.dataset} at {wildcards.size} px"
    shell:
        mtl_command(
            "prepare --spec {params.spec:q} --reference={resources.reference} --threads {threads}"
            " --split {input.split} {params.source} --folder={resources.data:q}"
            " --images {output.images} --samples {output.samples} --summary {output.summary}"
        )


rule episodes:
    input:
        split=SPLIT,
    output:
        EPISODES,
    log:
        "<logs>/{dataset}/episodes/seed{seed}/{split}-{way}way-{shot}shot-{query}query.log",
    localrule: True
    conda:
        "../envs/mtl.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        spec=jobs.spec("episodes"),
        code=jobs.code("episodes"),
    message:
        "drawing {wildcards.split} episodes of {wildcards.dataset}, {wildcards.way}-way {wildcards.shot}-shot"
    shell:
        mtl_command(
            "episodes --spec {params.spec:q} --split {input.split} --output {output}"
        )


rule images:
    input:
        expand(IMAGES, dataset=grid.selected("dataset")),
