"""The figures, one file each.

A figure is a module with `write(plan_text, published, results, csv, pictures)` and constants: `FILES`, the files it
reads from each cell; `PUBLISHED`, the file under `config/published/` it compares with; `LABELS`, whether it shows the
names of methods; `MODULATE`, if it can show only methods with this value of `modulate`. It is found by its name, and
drawn if `config/tables.yaml` lists it.
"""
