include: "workflow/Snakefile"


# An included file cannot choose what plain `snakemake` builds.
rule default:
    default_target: True
    input:
        rules.all.input,
