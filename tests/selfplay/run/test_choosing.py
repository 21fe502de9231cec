"""From a ledger to what an arm's filter keeps, with the reasons in the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selfplay.errors import ConfigError, RunError
from selfplay.experiment.curriculum import Curriculum
from selfplay.experiment.schema import Arm, Experiment
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import Draw, sample_row
from selfplay.run.choosing import Chooser
from selfplay.run.judging import Judge
from selfplay.run.selection import Selector, record_problems
from selfplay.tasks.problem import Problem

WRITTEN = {"one": ["x+1", "1+x", "2x", "\\boxed{", "x+2"], "two": ["7", "8"]}
"""Completions by problem; the last of `one` is an engine's error."""


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    judge = Judge(workers=1, memory_mb=2048)
    yield judge
    judge.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


def problem(name: str) -> Problem:
    return Problem(
        prompt=name, reference={"answer": "0"}, verifier="math", source="polynomials", split="train", twin_key=name
    )


def write(ledger: Ledger, model: str = "m", logprob: float | None = -1.0) -> list[str]:
    record_problems(ledger, [problem(name) for name in WRITTEN])
    rows = []
    for name, texts in WRITTEN.items():
        for index, text in enumerate(texts):
            draw = Draw.of("train", model, "prompt", problem(name).id, index, {}, index)
            error = "died" if text == "x+2" else None
            rows.append(sample_row(draw, text, "error" if error else "stop", 3, error, logprob))
    ledger.record("samples", rows)
    verdict = {"outcome": "rejected", "reason": "r", "detail": "{}"}
    ledger.record("verdicts", [{"sample_id": row["id"], **verdict} for row in rows])
    return [row["id"] for row in rows]


def with_arms(tiny: dict[str, Any], *keeps: object) -> Experiment:
    arms = [{"name": f"arm{at}", "data": "human+synthetic", "keep": keep} for at, keep in enumerate(keeps)]
    return Experiment.model_validate({**tiny, "arms": arms, "generations": 2})


def reasons(ledger: Ledger, arm: str = "arm0") -> dict[tuple[str, str], tuple[bool, str, int | None, int]]:
    sql = """
        SELECT p.prompt, s.completion, c.kept, c.reason, c.votes, c.group_size FROM choices c
        JOIN samples s ON s.id = c.sample_id JOIN problems p ON p.id = s.problem_id WHERE c.arm = ?
    """
    return {(row[0], row[1]): row[2:] for row in ledger.rows(sql, [arm])}


def test_who_was_dropped_by_which_filter_is_in_the_ledger(tiny: dict[str, Any], ledger: Ledger, judge: Judge) -> None:
    drawn = write(ledger)
    experiment = with_arms(tiny, {"filter": "self_consistency"}, {"filter": "majority", "threshold": 0.25})
    selector = Selector(ledger, Curriculum(experiment, 0), 0, Chooser(experiment, ledger, 0, judge.judge))
    kept = [i for i, origin in selector.select(experiment.arms[0], 1, drawn).members if origin == "synthetic"]
    assert sorted(kept) == sorted(drawn[:2])
    assert reasons(ledger) == {
        ("one", "x+1"): (True, "majority", 2, 4),
        ("one", "1+x"): (True, "majority", 2, 4),
        ("one", "2x"): (False, "minority", 1, 4),
        ("one", "\\boxed{"): (False, "minority", 1, 4),
        ("two", "7"): (False, "tie", 1, 2),
        ("two", "8"): (False, "tie", 1, 2),
    }
    assert selector.select(experiment.arms[1], 1, drawn).members == [], "as texts they all tie"
    assert {reason for _, reason, _, _ in reasons(ledger, "arm1").values()} == {"tie"}
    (row,) = ledger.rows("SELECT DISTINCT filter, version, settings_hash != '' FROM choices WHERE arm = 'arm0'")
    assert row == ("self_consistency", "1", True)


def test_what_was_chosen_is_found_again(tiny: dict[str, Any], ledger: Ledger, judge: Judge) -> None:
    """A resumed run asks nothing, and a row that was lost is chosen again without a second of any other."""
    drawn = write(ledger)
    experiment = with_arms(tiny, {"filter": "self_consistency"})

    def choose() -> tuple[set[str], int]:
        asked = 0

        def consult(verifier: Any, rows: Any) -> list[dict[str, Any]]:
            nonlocal asked
            asked += len(rows)
            return judge.judge(verifier, rows)

        return Chooser(experiment, ledger, 0, consult).choose(experiment.arms[0], 1, drawn, []), asked

    kept, asked = choose()
    assert asked > 0
    assert choose() == (kept, 0)
    rows = [
        dict(zip(("sample_id", "kept"), row, strict=True)) for row in ledger.rows("SELECT sample_id, kept FROM choices")
    ]
    for file in ledger.files.of_table("choices"):
        file.unlink()
    place = {"seed": 0, "arm": "arm0", "generation": 1, "reason": "r", "detail": "{}"}
    ledger.record("choices", [place | row for row in rows[1:]])
    assert choose()[0] == kept
    assert ledger.rows("SELECT count(*), count(DISTINCT sample_id) FROM choices") == [(6, 6)]


def test_agreement_sees_the_samples_of_other_arms(tiny: dict[str, Any], ledger: Ledger, judge: Judge) -> None:
    experiment = with_arms(tiny, "all", {"filter": "agreement", "with": ["arm0"]})
    mine, theirs = write(ledger), write(ledger, model="other")
    selector = Selector(ledger, Curriculum(experiment, 0), 0, Chooser(experiment, ledger, 0, judge.judge))
    first, second = experiment.arms
    selector.select(first, 1, mine)
    assert selector.select(second, 1, mine).members == [], "in generation 1 both arms have one model"
    selector.select(first, 2, theirs)
    kept = {i for i, origin in selector.select(second, 2, mine).members if origin == "synthetic"}
    assert kept == set(mine) - {mine[4]}
    assert not ledger.rows("SELECT 1 FROM choices WHERE sample_id IN (SELECT unnest(?))", [theirs])
    (detail,) = ledger.rows("SELECT DISTINCT json_extract(detail, '$.models') FROM choices WHERE generation = 2")
    assert detail == ("2",)


def test_log_probabilities_that_are_not_there_are_refused(tiny: dict[str, Any], ledger: Ledger, judge: Judge) -> None:
    drawn = write(ledger, logprob=None)
    experiment = with_arms(tiny, {"filter": "mean_logprob", "top": 0.5})
    chooser = Chooser(experiment, ledger, 0, judge.judge)
    with pytest.raises(
        ConfigError, match=r"arm `arm0`: filter mean_logprob needs log-probabilities, and sample \w+ has"
    ):
        chooser.choose(experiment.arms[0], 1, drawn, [])
    assert not ledger.files.of_table("choices")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return [Choice(c.id, True, 'all') for c in group.own]", None),
        ("return []", "did not give one choice for each of the arm's own samples of problem"),
        ("return [True]", "returned bool where a Choice is due"),
        ("return 1 / 0", "failed at problem .* (ZeroDivisionError: division by zero)"),
    ],
)
def test_a_filter_in_a_file(
    tiny: dict[str, Any], ledger: Ledger, judge: Judge, tmp_path: Path, body: str, words: str | None
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from selfplay.filters import Choice, GroupFilter\n\n\n"
        "class Mine(GroupFilter):\n    name = 'mine'\n    version = '3'\n\n"
        f"    def choose(self, group):\n        {body}\n"
    )
    drawn = write(ledger)
    experiment = with_arms(tiny, {"filter": f"{file}:mine"})
    chooser = Chooser(experiment, ledger, 0, judge.judge)
    if words is None:
        assert len(chooser.choose(experiment.arms[0], 1, drawn, [])) == 6
        assert ledger.rows("SELECT DISTINCT filter, version FROM choices") == [("mine", "3")]
        return
    with pytest.raises(RunError) as raised:
        chooser.choose(experiment.arms[0], 1, drawn, [])
    assert all(part in str(raised.value) for part in words.split(" .* "))
    assert not ledger.files.of_table("choices")


def test_faults_stop_the_run(tiny: dict[str, Any], ledger: Ledger) -> None:
    """Workers that have no memory to start in are no answers' fault."""
    from selfplay.verifiers.errors import BrokenVerifier

    drawn = write(ledger)
    experiment = with_arms(tiny, {"filter": "majority"})
    starved = Judge(workers=1, memory_mb=16)
    with pytest.raises((RunError, BrokenVerifier)):
        Chooser(experiment, ledger, 0, starved.judge).choose(experiment.arms[0], 1, drawn, [])
    starved.close()
    assert not ledger.files.of_table("choices")


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        ({"filter": "majority", "threshold": 2}, "arms[0].keep: filter majority, `threshold`"),
        ({"filter": "majority", "thresold": 1}, "arms[0].keep: filter majority, `thresold`"),
        ({"filter": "none_such"}, "arms[0].keep: there is no group filter `none_such`"),
    ],
)
def test_settings_are_checked_before_a_run_starts(tiny: dict[str, Any], keep: object, words: str) -> None:
    from selfplay.experiment.run_plan import check

    with pytest.raises(ConfigError) as raised:
        check(with_arms(tiny, keep), offline=True)
    assert words in str(raised.value)


def test_a_filter_that_cannot_be_built_is_one_sentence(tiny: dict[str, Any], tmp_path: Path) -> None:
    from selfplay.experiment.run_plan import check

    file = tmp_path / "half.py"
    file.write_text(
        "from selfplay.filters import GroupFilter\n\n\nclass Half(GroupFilter):\n    name, version = 'half', '1'\n"
    )
    with pytest.raises(ConfigError, match=r"arms\[0\]\.keep: filter half cannot be built .*abstract.*; repair it"):
        check(with_arms(tiny, {"filter": f"{file}:Half"}), offline=True)


def test_with_names_an_arm_before_it_that_samples(tiny: dict[str, Any]) -> None:
    from selfplay.experiment.run_plan import check

    with pytest.raises(ValueError, match="wants the samples of `arm1`, which must be an arm with synthetic data"):
        with_arms(tiny, {"filter": "agreement", "with": ["arm1"]}, "all")
    with pytest.raises(ValueError, match="twice"):
        with_arms(tiny, "all", {"filter": "agreement", "with": ["arm0", "arm0"]})
    with pytest.raises(ConfigError, match=r"looks at the arm's own samples alone; remove `with`"):
        check(with_arms(tiny, "all", {"filter": "majority", "with": ["arm0"]}), offline=True)


def test_the_resolved_config_reads_back(tiny: dict[str, Any]) -> None:
    experiment = with_arms(tiny, "all", {"filter": "agreement", "with": ["arm0"], "models": 2})
    plain = json.loads(experiment.model_dump_json())
    assert plain["arms"][1]["keep"] == {"filter": "agreement", "with": ["arm0"], "models": 2}
    assert Experiment.model_validate(plain) == experiment
    assert isinstance(experiment.arms[1], Arm)
