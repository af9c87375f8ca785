"""The settings of each stage: one declaration per key, one small file per stage, free of torch.

The checks of `config/`, the JSON Schemas for editors, `config/README.md` and the specs of jobs all follow from these
declarations.
"""
