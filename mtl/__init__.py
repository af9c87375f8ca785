"""A declarative reproduction of Meta-Transfer Learning for Few-Shot Learning (Sun et al., CVPR 2019).

The rooms, lowest first. A module imports from its own room and from rooms listed before it, never from later ones.

- `runtime`: devices, seeds, files, errors, progress, the code's own fingerprint
- `specs`: the settings of each stage, one declaration per key
- `data`: from archives to prepared images, stored episodes and task samplers
- `networks`: backbones Θ, batch norm, scale-and-shift
- `learners`: map an episode to query logits
- `evaluation`: accuracies on stored episodes
- `training`: pre-training and meta-training
- `experiment`: cells, specs of jobs, what reports show; the workflow's rules query it
- `reporting`: tables, claims, figures, provenance
- `planning`: what an experiment will cost
"""


def snakefile() -> str:
    """The path of the workflow, for a `module` statement in another project's Snakefile."""
    from mtl.experiment.project import packaged

    return str(packaged("workflow/Snakefile"))
