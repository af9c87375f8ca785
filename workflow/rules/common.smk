# What all rules share.


# Who is killed says nothing.
IF_KILLED = (
    '{{ code=$?; [ $code -le 128 ] || echo "mtl: error: killed by signal $((code - 128)); if nobody did that, there was'
    ' too little memory: raise jobs.*.memory of this stage" | tee -a {log}; exit $code; }}'
)


def mtl_command(arguments):
    """The shell command of a job; its log gets all output, even after Snakemake is asked to stop."""
    return f"mtl {arguments} 2>&1 | (trap '' INT TERM; exec tee {{log}}) || {IF_KILLED}"


def computing(arguments):
    """The shell command of a job that may use a GPU; one that requests none sees none."""
    return "[ {resources.gpu} != 0 ] || export CUDA_VISIBLE_DEVICES=; " + mtl_command(
        arguments
    )


def option(name):
    """`--name FILE` if a job has an input of that name, otherwise nothing."""
    return lambda wildcards, input: f"--{name} {input[name]}" if input.get(name) else ""


def threads_of(stage):
    """The threads that a job uses."""
    return lambda wildcards: jobs.needs(stage, wildcards).threads


def resources_of(stage):
    """The resources that a job requests. A scheduler that kills it for want of memory or time gives more to the next try."""
    return {
        "mem_mb": lambda wildcards, attempt: attempt
        * jobs.needs(stage, wildcards).memory,
        "runtime": lambda wildcards, attempt: attempt
        * jobs.needs(stage, wildcards).minutes,
        "gpu": lambda wildcards: jobs.needs(stage, wildcards).gpus,
    }
