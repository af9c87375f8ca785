"""Curves and histograms of plain characters."""

import numpy as np

from mtl.reporting.text_plot import curve, histogram


def test_a_curve_as_drawn_by_hand():
    assert curve([0, 10, 20], [1, 3, 2], width=19, height=3, marked=10) == [
        "       3 |   .O..",
        "         |  .    .*",
        "       1 |*.",
        "         +---------",
        "          0      20",
    ]


def test_points_that_share_a_column_are_one_at_their_mean():
    lines = curve([0, 1, 2, 3], [0, 2, 10, 20], width=12, height=4)
    assert lines[0] == "      15 | *"
    assert lines[3] == "       1 |*"


def test_the_marked_point_is_drawn_at_its_own_value():
    lines = curve([0, 1, 2, 3], [0, 2, 10, 20], width=12, height=4, marked=3)
    assert lines[0] == "      20 | O"


def test_a_flat_curve_and_a_single_point():
    assert curve([0, 4], [7, 7], width=15, height=3)[1] == "       7 |*...*"
    assert curve([5], [7], width=15, height=3) == [
        "         |",
        "       7 |*",
        "         |",
        f"{'':9}+-----",
        f"{'':10}5",
    ]


def test_a_curve_fits_into_its_lines(rng):
    for width in (40, 80, 100):
        lines = curve(range(1000), rng.normal(size=1000), width, 7, 500)
        assert len(lines) == 9
        assert max(map(len, lines)) <= width
        assert "\n".join(lines).isascii()
        assert "".join(lines).count("O") == 1


def test_a_histogram_counts_every_value_around_zero(rng):
    values = rng.normal(scale=9, size=600)
    lines = list(histogram(values, 80))
    counts = [int(line.partition("|")[0].split()[-1]) for line in lines]
    half = np.abs(values).max() / 9
    assert sum(counts) == 600
    assert counts[4] == (np.abs(values) < half).sum()
    assert counts[0] == (values < -7 * half).sum()
    assert max(map(len, lines)) <= 80


def test_a_histogram_of_no_difference():
    counts = [int(line.partition("|")[0].split()[-1]) for line in histogram(np.zeros(3), 80)]
    assert counts == [0, 0, 0, 0, 3, 0, 0, 0, 0]
