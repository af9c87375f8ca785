"""The forms in which datasets are published, one file each.

A form is a module with `read(files, wanted)`, found by its name. It takes the files of an archive or tree and the
wanted images (class -> names, as in `split.csv`), and yields pairs of a name and an image: an encoded file as bytes, or
an array (H, W, 3) of uint8. It yields every wanted image once, in any order, and may skip the rest. Nothing is unpacked
on disk.
"""
