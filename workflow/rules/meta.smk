# Meta-training, cell by cell.


rule meta_train:
    input:
        images=IMAGES,
        split=SPLIT,
        val=jobs.selecting(EPISODES),
        pretrained=jobs.if_pretrained(THETA),
    output:
        model=f"<results>/{CELL}/model.safetensors",
        snapshots=f"<results>/{CELL}/snapshots.safetensors",
        history=f"<results>/{CELL}/history.csv",
        summary=f"<results>/{CELL}/training.json",
    log:
        f"<logs>/{CELL}/meta-train.log",
    benchmark:
        f"<benchmarks>/{CELL}/meta-train.jsonl"
    conda:
        "../envs/mtl.yaml"
    threads: threads_of("meta_train")
    resources:
        **resources_of("meta_train"),
    params:
        spec=jobs.spec("meta_train"),
        code=jobs.code("meta_train"),
        pretrained=option("pretrained"),
    message:
        "meta-training {wildcards.method} on {wildcards.dataset}, {wildcards.way}-way {wildcards.shot}-shot"
    shell:
        computing(
            "meta-train --spec {params.spec:q} --images {input.images} --split {input.split}"
            " --val-episodes {input.val} {params.pretrained}"
            " --model {output.model} --snapshots {output.snapshots} --history {output.history} --summary {output.summary}"
        )
