"""Titles and labels come from the config and may hold anything."""

from mtl.reporting.markdown import markdown_table


def test_a_bar_or_the_end_of_a_line_ends_no_cell():
    assert markdown_table(["a|b", "c"], [["d\ne", "|"]]) == [r"| a\|b | c |", "|---|---:|", r"| d e | \| |"]
