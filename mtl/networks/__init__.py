"""Backbones Θ, one file each, and what they are made of: batch norm, scale-and-shift, weights.

A backbone is a module with `LABEL`, its name in tables, and `build(width, dropout)`. It is found by its name.
"""
