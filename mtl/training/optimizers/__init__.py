"""Optimisers of pre-training, one file each, found by name; a config writes hyphens for underscores.

`build(settings, network)` returns the optimiser, and the learning rate of an iteration counted from 0.
"""
