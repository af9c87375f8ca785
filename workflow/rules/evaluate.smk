# A cell's accuracy on the stored test episodes.


rule evaluate:
    input:
        images=IMAGES,
        split=SPLIT,
        val=VAL_EPISODES,
        test=f"{EPISODES}/test-{{way}}way-{{shot}}shot-{QUERY}query.npz",
        pretrained=f"{PRETRAINED}/model.safetensors",
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
        model=lambda wildcards, input: f"--model {input.model}" if input.model else "",
    message:
        "evaluating {wildcards.method} on {wildcards.dataset}, {wildcards.way}-way {wildcards.shot}-shot"
    shell:
        "mtl evaluate --spec {params.spec:q} --images {input.images} --split {input.split}"
        " --val-episodes {input.val} --test-episodes {input.test} --pretrained {input.pretrained} {params.model}"
        " --episodes {output.episodes} --evaluation {output.evaluation}"
        " 2>&1 | tee {log}"
