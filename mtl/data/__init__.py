"""From letters and pixels to episodes: splits, prepared images, task samplers."""
