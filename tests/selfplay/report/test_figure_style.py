"""The axes that figures share."""

from __future__ import annotations

import pytest

from selfplay.report.figure_style import generation_axis, panel_grid, short


@pytest.mark.parametrize(
    ("generations", "first", "ticks"),
    [(1, 1, [1]), (3, 0, [0, 1, 2, 3]), (20, 0, [0, 3, 6, 9, 12, 15, 18]), (0, 0, [0]), (0, 1, [1])],
)
def test_generations_are_whole_numbers_and_not_too_many(generations: int, first: int, ticks: list[int]) -> None:
    _, (panel,) = panel_grid(1, 3.0)
    generation_axis(panel, generations, first)
    assert list(panel.get_xticks()) == ticks


def test_names_fit_a_figure_and_hold_no_control_characters() -> None:
    assert short("verified") == "verified"
    assert short("a\x1b\nb") == "a\\x1b b"
    assert len(short("x" * 200)) == 26
