# Θ, once per dataset, backbone and seed.

PRETRAINED = "<results>/{dataset}/{backbone}/seed{seed}/pretrain"
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
        "<logs>/{dataset}/{backbone}/seed{seed}/pretrain.log",
    benchmark:
        "<benchmarks>/{dataset}/{backbone}/seed{seed}/pretrain.jsonl"
    # Most cells wait for Θ; the few that do not shall not take its cores.
    priority: 1
    conda:
        "../envs/mtl.yaml"
    threads: plan.job("pretrain")["threads"]
    resources:
        mem_mb=plan.job("pretrain")["memory"],
        runtime=plan.job("pretrain")["minutes"],
        gpu=plan.job("pretrain")["gpus"],
    params:
        spec=specs.pretrain,
        code=lambda wildcards: fingerprint(
            *of_stage("training.pretrain", wildcards.backbone)
        ),
    message:
        "pre-training {wildcards.backbone} on {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "mtl pretrain --spec {params.spec:q} --images {input.images} --split {input.split}"
        " --model {output.model} --history {output.history} --summary {output.summary}"
        " 2>&1 | (trap '' INT TERM; exec tee {log})"
