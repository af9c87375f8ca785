"""Tables, figures, claims, datasets and published facts that make no sense are refused in one line."""

import shutil

import pytest
import yaml

from mtl.experiment.load import load
from mtl.experiment.project import read_yaml
from mtl.runtime.errors import UserError
from tests.helpers.learners import CONFIG


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            "tables",
            lambda t: t["figures"]["figure4"]["methods"].append("linear"),
            "figures.figure4.methods: 'linear' has no meta-training",
        ),
        (
            "tables",
            lambda t: t["figures"]["scales-and-shifts"].update(methods=["ft-all"]),
            "scales-and-shifts.methods: 'ft-all' is not a method that has modulate: ss",
        ),
        (
            "tables",
            lambda t: t["figures"].update({"figure5": {"title": "x"}}),
            "config/tables.yaml: figures: 'figure5' is unknown; did you mean 'figure4'?",
        ),
        (
            "published/protocol",
            lambda p: p["made_with"][0]["pretrain"].update(iteratons=3),
            "config/published/protocol.yaml: made_with[0].pretrain.iteratons: unknown key; did you mean 'iterations'?",
        ),
        (
            "published/protocol",
            lambda p: p["made_with"].insert(0, {"when": {"method": "mamml"}}),
            "config/published/protocol.yaml: made_with[0].when.method: 'mamml' is unknown; did you mean 'maml'?",
        ),
        (
            "published/protocol",
            lambda p: p["made_with"].insert(0, {"when": {}, "width": "ss-all"}),
            "made_with[0].width: 'ss-all' is not a whole number",
        ),
        (
            "published/protocol",
            lambda p: p["made_with"].insert(0, {"when": {"backbone": [[]]}}),
            "made_with[0].when.backbone[0]: [] is not text",
        ),
        (
            "published/protocol",
            lambda p: p["shown"].append("batch_nrom"),
            "config/published/protocol.yaml: shown: 'batch_nrom' is unknown; did you mean 'batch_norm'?",
        ),
        (
            "published/protocol",
            lambda p: p["decides"]["nothing"].update({"note": None}),
            "config/published/protocol.yaml: decides.nothing.note: None is not text",
        ),
        (
            "tables",
            lambda t: t["tables"]["table1"]["groups"][1]["methods"].append("ss-al"),
            "tables.table1.groups[1].methods: 'ss-al' is unknown",
        ),
        (
            "tables",
            lambda t: t["figures"]["figure4"].update(methods=[]),
            "figures.figure4.methods: [] has fewer than 1",
        ),
        (
            "claims",
            lambda c: c["claims"][0]["pairs"].append(["ss-all", "ss-al"]),
            "config/claims.yaml: claims[0].pairs: 'ss-al' is unknown",
        ),
        (
            "claims",
            lambda c: c["claims"][6]["pairs"].append(["ss-all", "linear"]),
            "claims[6].pairs: sooner: 'linear' has no meta-tr",
        ),
        ("claims", lambda c: c.update(claim=[]), "config/claims.yaml: claim: unknown key; did you mean 'claims'?"),
        ("claims", lambda c: c.pop("claims"), "config/claims.yaml: claims: missing"),
        ("claims", lambda c: c["claims"][6].pop("unit"), "claims[6].unit: missing; the test 'sooner' needs it"),
        (
            "datasets",
            lambda d: d["glyphs"].pop("seed"),
            "config/datasets.yaml: glyphs.seed: missing; rendered images need",
        ),
        ("datasets", lambda d: d["fc100"].pop("sources"), "config/datasets.yaml: fc100.sources: missing"),
        (
            "datasets",
            lambda d: d["fc100"]["sources"][0]["files"][0].pop("checksum"),
            ".sources[0]: cifar-100-python.tar.gz: what is downloaded must have a checksum",
        ),
        (
            "datasets",
            lambda d: d["fc100"]["sources"][0].update(form="cifar10"),
            ".sources[0].form: 'cifar10' is not one of cifar100, ilsvrc, images, labelled_pickles, pickles; did you",
        ),
        (
            "datasets",
            lambda d: d["fc100"]["sources"][0].update(merge=["train"]),
            ".sources[0].merge: only the form `images` has folders to merge",
        ),
        (
            "datasets",
            lambda d: d["miniimagenet"]["sources"][-1].update(merge=["a/b"]),
            ".merge: 'a/b' is not the name of a folder",
        ),
        (
            "datasets",
            lambda d: d["miniimagenet"]["sources"][-1].update(files=[{"name": "mini.rar"}]),
            "mini.rar: not an archive (.tar, .tar.gz, .tgz, .tar.xz, .txz, .tar.bz2, .tbz2, .zip); a tree of images",
        ),
        (
            "datasets",
            lambda d: d["glyphs"].update(split="a{b}.csv"),
            "config/datasets.yaml: glyphs.split: 'a{b}.csv' does not match",
        ),
    ],
)
def test_reports_that_cannot_be_made_are_refused(config, tmp_path, file, change, message):
    folder = shutil.copytree(CONFIG, tmp_path / "config")
    content = read_yaml(folder / f"{file}.yaml")
    change(content)
    (folder / f"{file}.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(UserError) as caught:
        load(config, tmp_path)
    assert message in str(caught.value)
