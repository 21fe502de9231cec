"""Measures count the samples they are given, and nothing else of the ledger."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from selfplay.errors import ConfigError
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import Draw, problem_row, sample_row
from selfplay.measure import ALL_TASKS, Drawn, Score, Trained, measure
from selfplay.measure.registry import MEASURES, taken
from selfplay.tasks.intervals import over_seeds, wilson
from selfplay.tasks.problem import Problem


def over_all(of: str, ledger: Ledger, drawn: list[str]) -> dict[str, Score]:
    """The scores of the shipped measures over all tasks together."""
    measured = Drawn(ledger, drawn)
    found = {}
    for name, each in taken().items():
        if each.of == of:
            for score in each.scores(measured):
                if score.task == ALL_TASKS:
                    found[name] = score
    return found


def draw_all(
    ledger: Ledger, seed: int, outcomes: list[str], texts: list[str] | None = None, reasons: list[str] | None = None
) -> list[str]:
    samples, verdicts = [], []
    for number, outcome in enumerate(outcomes):
        problem = Problem(prompt=f"p{number}", reference={}, verifier="v", source="s", split="evaluate", twin_key="t")
        ledger.record("problems", [problem_row(problem)])
        draw = Draw.of("evaluate", "m", "prompt", problem.id, 0, {}, seed * 1000 + number)
        samples.append(sample_row(draw, texts[number] if texts else "text", "stop", 4, None))
        verdicts.append(
            {"sample_id": draw.id, "outcome": outcome, "reason": reasons[number] if reasons else "r", "detail": "{}"}
        )
    ledger.record("samples", samples)
    ledger.record("verdicts", verdicts)
    return [row["id"] for row in samples]


def test_seeds_that_share_a_model_and_problems_are_counted_apart(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    first = draw_all(ledger, 1, ["accepted", "rejected"])
    second = draw_all(ledger, 2, ["accepted", "accepted"])
    for drawn, value in ((first, 0.5), (second, 1.0)):
        scores = over_all("held_out", ledger, drawn)
        assert {name: (score.value, score.n) for name, score in scores.items()} == {"accuracy": (value, 2)}


def test_undecided_gives_bounds(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    drawn = draw_all(ledger, 1, ["accepted", "undecided", "rejected", "rejected"])
    rows = {name: score.value for name, score in over_all("held_out", ledger, drawn).items()}
    assert rows == {"accuracy": 0.25, "accuracy_upper": 0.5}


def test_sample_measures(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    drawn = draw_all(ledger, 1, ["accepted", "rejected", "rejected", "rejected"], ["abab", "abab", "x", ""])
    rows = {name: score.value for name, score in over_all("samples", ledger, drawn).items()}
    assert rows["accepted_share"] == 0.25
    assert rows["distinct_share"] == 0.75
    assert rows["distinct_2"] == pytest.approx(2 / 6)
    assert rows["truncated_share"] == 0
    assert "fault_share" not in rows
    # 2-grams: ab, ba, ab in each of two texts; 4 of 6 and 2 of 6
    assert rows["entropy_2"] == pytest.approx(-(2 / 3 * math.log2(2 / 3) + 1 / 3 * math.log2(1 / 3)))


def test_faults_are_counted_apart_from_what_is_open(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    drawn = draw_all(ledger, 1, ["undecided"] * 3 + ["accepted"], reasons=["fault", "open", "no_completion", "r"])
    rows = {name: score.value for name, score in over_all("samples", ledger, drawn).items()}
    assert (rows["undecided_share"], rows["fault_share"]) == (0.75, 0.5)


def test_one_text_over_and_over_has_no_entropy(tmp_path: Path) -> None:
    drawn = draw_all(ledger := Ledger(tmp_path), 1, ["rejected"] * 3, ["aaaa"] * 3)
    rows = {name: score.value for name, score in over_all("samples", ledger, drawn).items()}
    assert (rows["entropy_2"], rows["distinct_2"]) == (0.0, pytest.approx(1 / 9))


MEAN_LENGTH = """
from selfplay.measure import Drawn, Score, measure

@measure(name="mean_length", of="samples")
def mean_length(drawn):
    '''mean length of the completions, in characters'''
    lengths = [len(text) for text in drawn.texts()]
    yield Score(sum(lengths) / len(lengths), n=len(lengths))
"""


def test_a_measure_is_one_function_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MEAN_LENGTH)
    mine = taken([f"{tmp_path / 'mine.py'}:mean_length"])["mean_length"]
    assert (mine.of, mine.about) == ("samples", "mean length of the completions, in characters")
    drawn = draw_all(ledger := Ledger(tmp_path / "ledger"), 1, ["accepted", "rejected"], ["ab", "abcd"])
    assert mine.scores(Drawn(ledger, drawn)) == [Score(3.0, 2)]


def test_what_is_no_measure_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MEAN_LENGTH.replace("mean_length", "accuracy") + "\ndef plain(drawn): ...\n")
    for name, words in (
        ("accuracy", "is there already"),
        ("plain", "no function under @measure"),
        ("no", "no measure"),
    ):
        with pytest.raises(ConfigError, match=words):
            taken([f"{tmp_path / 'mine.py'}:{name}"])


def test_all_shipped_measures_say_what_they_are() -> None:
    assert all(each.value is not None and each.value.about for each in MEASURES.listed())
    assert taken()["train_loss"].scores(Trained(0.5, 10)) == [Score(0.5, 10)]


def test_a_measure_that_yields_something_else_is_told() -> None:
    wrong = measure(name="wrong", of="training")(lambda trained: iter([0.5]))  # type: ignore[arg-type, list-item]
    with pytest.raises(TypeError, match="it gave float where a Score is due"):
        wrong.scores(Trained(0.5, 10))


def test_wilson_gives_the_published_interval() -> None:
    """Newcombe 1998 (Statistics in Medicine 17:857), table I, method 3: 81/263 and 0/20."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_interval_over_seeds_is_students() -> None:
    mean, low, high = over_seeds([0.7, 0.8, 0.9])
    assert (mean, high - mean) == pytest.approx((0.8, 4.303 * 0.1 / 3**0.5), abs=1e-3)
    assert mean - low == pytest.approx(high - mean)
    assert over_seeds([0.4]) == (0.4, 0.4, 0.4)
