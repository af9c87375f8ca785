"""The page of an experiment: what a reviewer looks at first.

`write_page` puts it together. Each further module makes what one section shows, as plain values; `templates/` holds the
section itself, the style and the script. Nothing is measured or judged here: numbers and verdicts are those of the
reports and of the records of cells.
"""
