"""The figures, one file each.

A figure is a module with `write(plan_text, published, results, csv, pictures)` and constants: `FILES`, what it reads of
each cell; `PUBLISHED`, the file under `config/published/` it compares with; `LABELS`, whether it shows the names of
methods; `MODULATE`, if only methods with that key can be shown. It is found by its name, and drawn where
`config/tables.yaml` lists it.
"""
