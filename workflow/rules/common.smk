# What all rules share.


def mtl_command(arguments):
    """The shell command of a job; its log gets all output, even after Snakemake is asked to stop."""
    return f"mtl {arguments} 2>&1 | (trap '' INT TERM; exec tee {{log}})"


def computing(arguments):
    """The shell command of a job that may use a GPU; one that requests none sees none."""
    return "[ {resources.gpu} != 0 ] || export CUDA_VISIBLE_DEVICES=; " + mtl_command(
        arguments
    )


def option(name):
    """`--name FILE` if a job has an input of that name, otherwise nothing."""
    return lambda wildcards, input: f"--{name} {input[name]}" if input.get(name) else ""


def resources_of(stage):
    """The resources that a kind of job requests."""
    needs = jobs.needs(stage)
    return {"mem_mb": needs.memory, "runtime": needs.minutes, "gpu": needs.gpus}
