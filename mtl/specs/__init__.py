"""The settings of each stage: one declaration per key, one small file per stage, free of torch.

From a declaration follow the checks of `config/`, the JSON Schemas for editors, `config/README.md`, and what goes into
the spec of a job.
"""
