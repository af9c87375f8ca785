# What all rules share.


def mtl_command(arguments):
    """The shell command of a job: its log gets everything it says, also when Snakemake is asked to stop."""
    return f"mtl {arguments} 2>&1 | (trap '' INT TERM; exec tee {{log}})"


def option(name):
    """`--name FILE` where a job has an input of that name, else nothing."""
    return lambda wildcards, input: f"--{name} {input[name]}" if input.get(name) else ""


def resources_of(stage):
    """What a kind of job asks of the machine."""
    needs = jobs.needs(stage)
    return {"mem_mb": needs.memory, "runtime": needs.minutes, "gpu": needs.gpus}
