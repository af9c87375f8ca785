# A cell's accuracy on the stored test episodes.

TEST_EPISODES = EPISODES.replace("{split}", "test")


rule evaluate:
    input:
        images=IMAGES,
        split=SPLIT,
        val=specs.with_query(VAL_EPISODES),
        test=specs.with_query(TEST_EPISODES),
        pretrained=specs.if_pretrained(THETA),
        # A method without meta-training has learned nothing.
        model=lambda wildcards: (
            f"<results>/{CELL}/model.safetensors"
            if plan.meta_trained(wildcards.method)
            else []
        ),
    output:
        episodes=f"<results>/{CELL}/episodes.csv",
        evaluation=f"<results>/{CELL}/evaluation.json",
    log:
        f"<logs>/{CELL}/evaluate.log",
    benchmark:
        f"<benchmarks>/{CELL}/evaluate.jsonl"
    conda:
        "../envs/mtl.yaml"
    threads: plan.job("evaluate")["threads"]
    resources:
        mem_mb=plan.job("evaluate")["memory"],
        runtime=plan.job("evaluate")["minutes"],
        gpu=plan.job("evaluate")["gpus"],
    params:
        spec=specs.evaluate,
        code=specs.code("evaluation.evaluate"),
        weights=lambda wildcards, input: " ".join(
            f"--{name} {input[name]}"
            for name in ("pretrained", "model")
            if input[name]
        ),
    message:
        "evaluating {wildcards.method} on {wildcards.dataset}, {wildcards.way}-way {wildcards.shot}-shot"
    shell:
        "mtl evaluate --spec {params.spec:q} --images {input.images} --split {input.split}"
        " --val-episodes {input.val} --test-episodes {input.test} {params.weights}"
        " --episodes {output.episodes} --evaluation {output.evaluation}"
        " 2>&1 | (trap '' INT TERM; exec tee {log})"


rule curve:
    input:
        images=IMAGES,
        split=SPLIT,
        test=specs.with_query(TEST_EPISODES),
        pretrained=specs.if_pretrained(THETA),
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
    threads: plan.job("evaluate")["threads"]
    resources:
        mem_mb=plan.job("evaluate")["memory"],
        runtime=plan.job("evaluate")["minutes"],
        gpu=plan.job("evaluate")["gpus"],
    params:
        spec=specs.evaluate,
        code=specs.code("evaluation.curve"),
        pretrained=lambda wildcards, input: (
            f"--pretrained {input.pretrained}" if input.pretrained else ""
        ),
    message:
        "evaluating {wildcards.method} on {wildcards.dataset}, {wildcards.way}-way {wildcards.shot}-shot, snapshots"
    shell:
        "mtl curve --spec {params.spec:q} --images {input.images} --split {input.split}"
        " --test-episodes {input.test} {params.pretrained}"
        " --snapshots {input.snapshots} --evaluation {input.evaluation} --output {output}"
        " 2>&1 | (trap '' INT TERM; exec tee {log})"
