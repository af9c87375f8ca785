# Θ, once per dataset, backbone and seed.

PRETRAINED = f"<results>/{PRETRAINING}/pretrain"
THETA = f"{PRETRAINED}/model.safetensors"


rule pretrain:
    input:
        images=IMAGES,
        split=SPLIT,
    output:
        model=THETA,
        history=f"{PRETRAINED}/history.csv",
        summary=f"{PRETRAINED}/summary.json",
    log:
        f"<logs>/{PRETRAINING}/pretrain.log",
    benchmark:
        f"<benchmarks>/{PRETRAINING}/pretrain.jsonl"
    # Most cells wait for Θ, so independent cells do not delay it.
    priority: 1
    conda:
        "../envs/mtl.yaml"
    threads: threads_of("pretrain")
    resources:
        **resources_of("pretrain"),
    params:
        spec=jobs.spec("pretrain"),
        code=jobs.code("pretrain"),
    message:
        "pre-training {wildcards.backbone} on {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        computing(
            "pretrain --spec {params.spec:q} --images {input.images} --split {input.split}"
            " --model {output.model} --history {output.history} --summary {output.summary}"
        )
