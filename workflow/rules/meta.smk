# What a method meta-learns, cell by cell.

CELL = "{dataset}/{backbone}/seed{seed}/{method}/{way}way-{shot}shot"
VAL_EPISODES = f"{EPISODES}/val-{{way}}way-{{shot}}shot-{QUERY}query.npz"


rule meta_train:
    input:
        images=IMAGES,
        split=SPLIT,
        val=VAL_EPISODES,
        pretrained=f"{PRETRAINED}/model.safetensors",
    output:
        model=f"<results>/{CELL}/model.safetensors",
        history=f"<results>/{CELL}/history.csv",
        summary=f"<results>/{CELL}/training.json",
    log:
        f"<logs>/{CELL}/meta-train.log",
    benchmark:
        f"<benchmarks>/{CELL}/meta-train.jsonl"
    conda:
        "../envs/mtl.yaml"
    threads: plan.job("meta_train")["threads"]
    resources:
        mem_mb=plan.job("meta_train")["memory"],
        runtime=plan.job("meta_train")["minutes"],
        gpu=plan.job("meta_train")["gpus"],
    params:
        spec=specs.meta_train,
    message:
        "meta-training {wildcards.method} on {wildcards.dataset}, {wildcards.way}-way {wildcards.shot}-shot"
    shell:
        "mtl meta-train --spec {params.spec:q} --images {input.images} --split {input.split}"
        " --val-episodes {input.val} --pretrained {input.pretrained}"
        " --model {output.model} --history {output.history} --summary {output.summary}"
        " 2>&1 | tee {log}"
