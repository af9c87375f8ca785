# From a dataset's archives and class list to prepared images and stored episodes.

IMAGES = f"<resources>/{{dataset}}/{config['image_size']}px/images.npy"
SPLIT = "<resources>/{dataset}/split.csv"
EPISODES = "<results>/{dataset}/episodes/seed{seed}/{split}-{way}way-{shot}shot-{query}query.npz"
SOURCE = "<resources>/{dataset}/source.json"


rule fetch:
    input:
        # To recognise a tree by; another split is no reason to fetch again.
        classes=lambda wildcards: ancient(specs.class_list(wildcards)),
        datasets=ancient("config/datasets.yaml"),
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
        data=config["data"],
    params:
        checksums=specs.checksums,
        archives=lambda wildcards, output: Path(output[0]).parents[1] / "archives",
    message:
        "fetching {wildcards.dataset}"
    shell:
        "mtl fetch --datasets {input.datasets} --dataset {wildcards.dataset} --classes {input.classes}"
        " --folder={resources.data:q} --archives {params.archives} --output {output} 2>&1 | (trap '' INT TERM; exec tee {log})"


rule split:
    input:
        source=lambda wildcards: [] if specs.rendered(wildcards) else SOURCE,
        classes=specs.class_list,
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
    params:
        images_per_class=specs.images_per_class,
        code=fingerprint("data.images_of", "data.layouts.images"),
        source=lambda wildcards, input: (
            f"--source {input.source}" if input.source else ""
        ),
    message:
        "splitting {wildcards.dataset}"
    shell:
        "mtl split --classes {input.classes} --images-per-class {params.images_per_class} {params.source}"
        " --output {output} 2>&1 | (trap '' INT TERM; exec tee {log})"


rule prepare:
    input:
        source=lambda wildcards: [] if specs.rendered(wildcards) else SOURCE,
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
    threads: plan.job("prepare")["threads"]
    resources:
        mem_mb=plan.job("prepare")["memory"],
        runtime=plan.job("prepare")["minutes"],
        # Not a parameter: it is compared with the pixels and changes none.
        reference=specs.reference,
    params:
        spec=specs.prepare,
        code=specs.code_of_images,
        source=lambda wildcards, input: (
            f"--source {input.source}" if input.source else ""
        ),
    message:
        "preparing {wildcards.dataset} at {wildcards.size} px"
    shell:
        "mtl prepare --spec {params.spec:q} --reference={resources.reference} --threads {threads}"
        " --split {input.split} {params.source}"
        " --images {output.images} --samples {output.samples} --summary {output.summary}"
        " 2>&1 | (trap '' INT TERM; exec tee {log})"


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
        spec=specs.episodes,
        code=fingerprint("data.episodes"),
    message:
        "drawing {wildcards.split} episodes of {wildcards.dataset}, {wildcards.way}-way {wildcards.shot}-shot"
    shell:
        "mtl episodes --spec {params.spec:q} --split {input.split} --output {output} 2>&1 | (trap '' INT TERM; exec tee {log})"
