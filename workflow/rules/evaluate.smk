# A cell's accuracy on the stored test episodes.


rule evaluate:
    input:
        images=IMAGES,
        split=SPLIT,
        val=specs.stored_episodes("val"),
        test=specs.stored_episodes("test"),
        pretrained=specs.pretrained,
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
        " 2>&1 | tee {log}"


rule curve:
    input:
        images=IMAGES,
        split=SPLIT,
        test=specs.stored_episodes("test"),
        pretrained=specs.pretrained,
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
        pretrained=lambda wildcards, input: (
            f"--pretrained {input.pretrained}" if input.pretrained else ""
        ),
    message:
        "evaluating {wildcards.method} on {wildcards.dataset}, {wildcards.way}-way {wildcards.shot}-shot, snapshots"
    shell:
        "mtl curve --spec {params.spec:q} --images {input.images} --split {input.split}"
        " --test-episodes {input.test} {params.pretrained}"
        " --snapshots {input.snapshots} --evaluation {input.evaluation} --output {output}"
        " 2>&1 | tee {log}"
