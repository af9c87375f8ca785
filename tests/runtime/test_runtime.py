import json
import subprocess
import sys
import threading
import time

import pytest
import torch

from mtl.experiment.cell import Cell
from mtl.runtime.device import set_up
from mtl.runtime.errors import UserError
from mtl.runtime.extensions import extensions
from mtl.runtime.files import atomic, locked, write_json
from mtl.runtime.progress import Progress
from mtl.runtime.seeds import numpy_generator, torch_generator
from mtl.specs.drawing import EpisodesSpec
from mtl.specs.inner_steps import EvaluationSteps
from mtl.specs.reading import from_json


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "x.txt"

    def write_half():
        with atomic(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert list(path.parent.iterdir()) == []
    path.write_text("old")
    with atomic(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_a_second_holder_of_a_lock_waits_for_the_first(tmp_path, capsys):
    order = []

    def second():
        with locked(tmp_path / ".lock", "note: waiting"):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(tmp_path / ".lock", "never said"):
        thread.start()
        while "note: waiting" not in capsys.readouterr().err:
            time.sleep(0.01)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert list(tmp_path.iterdir()) == []


def test_json_keeps_the_order_and_the_letters(tmp_path):
    write_json(tmp_path / "x.json", {"b": 1, "a": "Θ"})
    assert (tmp_path / "x.json").read_text(encoding="utf-8") == '{\n  "b": 1,\n  "a": "Θ"\n}\n'


def test_streams_depend_on_seed_and_purpose():
    def first(generator):
        return generator.integers(2**60)

    assert first(numpy_generator(0, "a")) == first(numpy_generator(0, "a"))
    assert len({first(numpy_generator(s, p)) for s in (0, 1) for p in ("a", "b")}) == 4
    draws = {torch.rand(1, generator=torch_generator(s, p)).item() for s in (0, 1) for p in ("a", "b")}
    assert len(draws) == 4


def test_threads_come_from_the_spec():
    before = torch.get_num_threads()
    set_up("cpu", "float32", 2)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_one_line():
    with pytest.raises(UserError, match=r"runtime\.device: 'cuda' asks for a GPU"):
        set_up("cuda", "float32", 1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_auto_takes_the_gpu():
    assert set_up("auto", "float32", 1).torch_device.type == "cuda"


def test_progress_in_a_log_is_one_line_a_report(capfd):
    with Progress("train", 4) as progress:
        progress.report(loss=2.0)
        progress.step()
        progress.step()
        progress.report(loss=1.5, validation_accuracy=50.0)
    lines = capfd.readouterr().err.splitlines()
    assert lines == ["[train] 0/4 loss 2", "[train] 2/4 loss 1.5 validation accuracy 50 (0 s left)"]


def test_a_cell_and_its_folder():
    cell = Cell("glyphs", "resnet12", 3, "ss-all-ht", 5, 1)
    assert cell.folder == "glyphs/resnet12/seed3/ss-all-ht/5way-1shot"
    assert Cell.in_folder(cell.folder) == cell
    with pytest.raises(UserError, match="not a folder"):
        Cell.in_folder("glyphs/resnet12")


EPISODES = {"split": "test", "way": 5, "shot": 1, "query": 15, "count": 600, "seed": 0}


def test_a_spec_survives_json():
    assert from_json(EpisodesSpec, json.dumps(EPISODES)) == EpisodesSpec(**EPISODES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "--spec: not JSON"),
        (json.dumps({**EPISODES, "way": "5"}), "--spec.way: '5' is not of type int"),
        (json.dumps({**EPISODES, "wya": 5}), "--spec.wya: unknown key; known: split, way"),
        (json.dumps({"split": "test"}), "--spec.way: missing"),
        ("[]", r"--spec: \[\] is not a mapping with the keys split, way"),
    ],
)
def test_a_bad_spec_is_one_line(text, message):
    with pytest.raises(UserError, match=message):
        from_json(EpisodesSpec, text)


def test_lists_in_a_spec_are_checked():
    told = {"learning_rate": 0.1, "reduction": "mean", "test_steps": ["20"]}
    with pytest.raises(UserError, match=r"--spec\.test_steps\[0\]: '20' is not of type int"):
        from_json(EvaluationSteps, json.dumps(told))
    with pytest.raises(UserError, match=r"--spec\.reduction: 'max' is not one of mean, sum-over-shots"):
        from_json(EvaluationSteps, json.dumps({**told, "reduction": "max"}))


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "mtl.cli", *arguments], capture_output=True, text=True, check=False)


def test_a_mistake_on_the_command_line_is_one_line_and_exit_code_1(tmp_path):
    (tmp_path / "split.csv").write_text("image,class,split\n")
    done = run("episodes", "--spec", "{", "--split", tmp_path / "split.csv", "--output", tmp_path / "out.npz")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("mtl: error: --spec: not JSON")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.npz").exists()


def test_tables_need_no_torch():
    figures = [f"figures.{name}" for name in extensions("reporting.figures")]
    pages = ("tables", "claims_page", "manifest", "explain", "show_cell", "compare_cells")
    reports = [f"mtl.reporting.{name}" for name in (*pages, *figures)]
    code = f"import mtl.experiment.load, {', '.join(reports)}, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


KEEPING = """
import resource, torch
from mtl.runtime.device import set_up

set_up("cpu", "float32", 1)
for _ in range(12):
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(2**25)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults)
"""


def test_the_memory_of_a_large_tensor_is_used_again():
    done = subprocess.run([sys.executable, "-c", KEEPING], capture_output=True, text=True, check=True)
    # 128 MB are more than 30,000 pages.
    assert int(done.stdout) < 1000
