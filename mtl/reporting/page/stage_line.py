"""The graph of jobs, drawn to be read: one box per stage, most in one line, with their numbers of jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mtl.reporting.page.cost import StageView

WORDS = {
    "fetch": "archives, verified",
    "split": "which image is where",
    "prepare": "images as one array",
    "episodes": "the stored tasks",
    "pretrain": "Θ, on all classes",
    "meta-train": "what a method learns",
    "evaluate": "accuracy on test tasks",
    "curve": "accuracy on the way",
    "report": "tables, claims, figures",
}
# Stages below the line, each with the stage of the line that it stands under, and the arrows from and to them.
BELOW = {"episodes": "pretrain", "curve": "evaluate"}
ARROWS = [("split", "episodes"), ("episodes", "meta-train"), ("meta-train", "curve"), ("curve", "report")]
# In units of the drawing; TIP is how far the line of an arrow ends before its box.
WIDTH, HEIGHT, GAP, DROP, TIP = 150, 74, 28, 106, 6


@dataclass(frozen=True)
class BoxView:
    """A box: its stage, what that is for, and its upper left corner."""

    stage: StageView
    words: str
    x: int
    y: int


@dataclass(frozen=True)
class StageLine:
    """The drawing: boxes, arrows as paths, and its size."""

    boxes: list[BoxView]
    arrows: list[str]
    width: int
    height: int
    box: tuple[int, int] = (WIDTH, HEIGHT)


def stage_line(stages: Sequence[StageView]) -> StageLine:
    """Places the stages, each of which has jobs."""
    line = [stage for stage in stages if stage.name not in BELOW]
    boxes = {
        stage.name: BoxView(stage, WORDS[stage.name], 1 + index * (WIDTH + GAP), 1) for index, stage in enumerate(line)
    }
    for stage in stages:
        above = boxes.get(BELOW.get(stage.name, ""))
        if above is not None:
            boxes[stage.name] = BoxView(stage, WORDS[stage.name], above.x, 1 + DROP)
    pairs = [(first.name, second.name) for first, second in pairwise(line)]
    arrows = [_arrow(boxes[a], boxes[b]) for a, b in pairs + ARROWS if a in boxes and b in boxes]
    height = HEIGHT + (DROP if len(boxes) > len(line) else 0)
    return StageLine(list(boxes.values()), arrows, len(line) * (WIDTH + GAP) - GAP + 2, height + 2)


def _arrow(start: BoxView, end: BoxView) -> str:
    """A path with at most one corner: it leaves a box downwards on its right, and enters one upwards on its left."""
    if start.y == end.y:
        return f"M{start.x + WIDTH} {start.y + HEIGHT // 2}H{end.x - TIP}"
    if start.y < end.y:
        return f"M{start.x + 2 * WIDTH // 3} {start.y + HEIGHT}V{end.y + HEIGHT // 2}H{end.x - TIP}"
    return f"M{start.x + WIDTH} {start.y + HEIGHT // 2}H{end.x + WIDTH // 3}V{end.y + HEIGHT + TIP}"
