"""Says in the summary of prepared images what they were made with.

Apart from `prepare`, so that a change here makes no finished result stale.
"""

from pathlib import Path

from mtl.runtime.files import read_record, sha256, write_json
from mtl.specs.preparing import PrepareSpec
from mtl.specs.reading import to_plain


def add_made_with(summary: Path, spec: PrepareSpec, split: Path, images: Path) -> None:
    """Adds the spec and the SHA-256 of `split.csv` and `images.npy` to the summary."""
    made_with = {"spec": to_plain(spec), "split": sha256(split), "images_sha256": sha256(images)}
    write_json(summary, read_record(summary) | made_with)
