"""A declarative reproduction of Meta-Transfer Learning for Few-Shot Learning (Sun et al., CVPR 2019).

The rooms, from the ground up. A module imports from its own room and from those above it in this list, never from those
below.

- `runtime`: devices, seeds, files, errors, progress, the code's own fingerprint
- `specs`: the settings of each stage, one declaration per key
- `data`: from archives to prepared images, stored episodes and task samplers
- `networks`: backbones Θ, batch norm, scale-and-shift
- `learners`: what maps an episode to query logits
- `evaluation`: accuracies on stored episodes
- `training`: pre-training and meta-training
- `experiment`: what the rules ask: cells, specs of jobs, what reports show
- `reporting`: tables, claims, figures, provenance
"""


def snakefile() -> str:
    """The workflow, for `module` in the Snakefile of another project."""
    from mtl.experiment.project import packaged

    return str(packaged("workflow/Snakefile"))
