"""A declarative reproduction of Meta-Transfer Learning for Few-Shot Learning (Sun et al., CVPR 2019)."""
