"""Says in the summary of prepared images what they were made with.

Apart from `prepare`, so that a change here makes no finished result stale.
"""

from pathlib import Path

from mtl.runtime.files import read_record, sha256, write_json
from mtl.specs.preparing import PrepareSpec
from mtl.specs.reading import to_plain


def add_made_with(summary: Path, spec: PrepareSpec, split: Path) -> None:
    """Adds the spec and the SHA-256 of `split.csv` to the summary."""
    write_json(summary, read_record(summary) | {"spec": to_plain(spec), "split": sha256(split)})
