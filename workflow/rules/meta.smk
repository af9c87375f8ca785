# What a method meta-learns, cell by cell.

VAL_EPISODES = EPISODES.replace("{split}", "val")
CELL = "{dataset}/{backbone}/seed{seed}/{method}/{way}way-{shot}shot"


rule meta_train:
    input:
        images=IMAGES,
        split=SPLIT,
        val=specs.with_query(VAL_EPISODES),
        pretrained=specs.if_pretrained(THETA),
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
    threads: plan.job("meta_train")["threads"]
    resources:
        mem_mb=plan.job("meta_train")["memory"],
        runtime=plan.job("meta_train")["minutes"],
        gpu=plan.job("meta_train")["gpus"],
    params:
        spec=specs.meta_train,
        code=specs.code("training.meta_train"),
        pretrained=lambda wildcards, input: (
            f"--pretrained {input.pretrained}" if input.pretrained else ""
        ),
    message:
        "meta-training {wildcards.method} on {wildcards.dataset}, {wildcards.way}-way {wildcards.shot}-shot"
    shell:
        "mtl meta-train --spec {params.spec:q} --images {input.images} --split {input.split}"
        " --val-episodes {input.val} {params.pretrained}"
        " --model {output.model} --snapshots {output.snapshots} --history {output.history} --summary {output.summary}"
        " 2>&1 | (trap '' INT TERM; exec tee {log})"
