# A cell's accuracy on the stored test episodes.

VAL_EPISODES = EPISODES.replace("{split}", "val")
TEST_EPISODES = EPISODES.replace("{split}", "test")


rule evaluate:
    input:
        images=IMAGES,
        split=SPLIT,
        val=jobs.with_query(VAL_EPISODES),
        test=jobs.with_query(TEST_EPISODES),
        pretrained=jobs.if_pretrained(THETA),
        model=jobs.if_meta_trained(f"<results>/{CELL}/model.safetensors"),
    output:
        episodes=f"<results>/{CELL}/episodes.csv",
        predictions=f"<results>/{CELL}/predictions.npz",
        evaluation=f"<results>/{CELL}/evaluation.json",
    log:
        f"<logs>/{CELL}/evaluate.log",
    benchmark:
        f"<benchmarks>/{CELL}/evaluate.jsonl"
    conda:
        "../envs/mtl.yaml"
    threads: threads_of("evaluate")
    resources:
        **resources_of("evaluate"),
    params:
        spec=jobs.spec("evaluate"),
        code=jobs.code("evaluate"),
        pretrained=option("pretrained"),
        model=option("model"),
    message:
        "evaluating {wildcards.method} on {wildcards.dataset}, {wildcards.way}-way {wildcards.shot}-shot"
    shell:
        computing(
            "evaluate --spec {params.spec:q} --images {input.images} --split {input.split}"
            " --val-episodes {input.val} --test-episodes {input.test} {params.pretrained} {params.model}"
            " --episodes {output.episodes} --predictions {output.predictions} --evaluation {output.evaluation}"
        )


rule curve:
    input:
        images=IMAGES,
        split=SPLIT,
        test=jobs.with_query(TEST_EPISODES),
        pretrained=jobs.if_pretrained(THETA),
        snapshots=f"<results>/{CELL}/snapshots.safetensors",
        evaluation=f"<results>/{CELL}/evaluation.json",
    output:
        f"<results>/{CELL}/curve.csv",
    log:
        f"<logs>/{CELL}/curve.log",
    benchmark:
        f"<benchmarks>/{CELL}/curve.jsonl"
    conda:
        "../envs/mtl.yaml"
    threads: threads_of("evaluate")
    resources:
        **resources_of("evaluate"),
    params:
        spec=jobs.spec("curve"),
        code=jobs.code("curve"),
        pretrained=option("pretrained"),
    message:
        "evaluating {wildcards.method} on {wildcards.dataset}, {wildcards.way}-way {wildcards.shot}-shot, snapshots"
    shell:
        computing(
            "curve --spec {params.spec:q} --images {input.images} --split {input.split}"
            " --test-episodes {input.test} {params.pretrained}"
            " --snapshots {input.snapshots} --evaluation {input.evaluation} --output {output}"
        )
