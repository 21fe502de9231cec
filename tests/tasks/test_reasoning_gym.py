"""reasoning-gym's families: the four tests of a family, what is refused, and an audit of their scorers' code."""

from __future__ import annotations

import ast
import inspect
import sys
from itertools import islice
from typing import Any

import pytest

from selfplay.tasks import SourceError, load_source, split_of
from selfplay.tasks.reasoning_gym import REFUSED, check_family
from selfplay.verifiers import BadReference, Row, Supervisor, load

pytest.importorskip("reasoning_gym", reason="the extra `reasoning-gym` is not installed")

SAMPLE = ["chain_sum", "word_ladder", "mini_sudoku", "tower_of_hanoi", "propositional_logic", "simple_equations"]
"""Of several kinds: one right answer, many right ones, and none given (propositional_logic)."""
EVALUATES = {"eval", "exec", "parse_expr", "sympify", "lambdify", "literal_eval"}
REVIEWED = {
    "basic_arithmetic": "evaluates what it made itself, when it makes it",
    "bitwise_arithmetic": "refused",
    "codeio": "runs its own stored programs when it makes an entry",
    "gsm_symbolic": "evaluates fractions that it made itself, when it makes an entry",
    "propositional_logic": "parse_expr there is a parser of its own",
}


def first(name: str, count: int, split: Any = "train", seed: int = 0, **settings: Any) -> list[Any]:
    return list(islice(load_source(f"reasoning_gym:{name}", settings).problems(split, seed), count))


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        ("reasoning_gym", {}, "name a family after a colon, such as `reasoning_gym:chain_sum`"),
        ("reasoning_gym:chain_sums", {}, "no family `chain_sums`; did you mean `chain_sum`"),
        ("reasoning_gym:zzzz", {}, "no family `zzzz`; it has: .*chain_sum"),
        (
            "reasoning_gym:chain_sum",
            {"config": {"terms": 2}},
            "`config` of chain_sum: .*'terms'.* its keys are: min_terms",
        ),
        ("reasoning_gym:chain_sum", {"config": {"min_terms": 0}}, "`config` of chain_sum: .*min_terms"),
        ("reasoning_gym:chain_sum", {"config": {"seed": 1}}, r"`config\.seed` is not yours to set"),
        ("reasoning_gym:countdown", {}, "not offered: .*sympy's parser"),
        ("reasoning_gym:arc_agi", {}, "do not survive being written as JSON"),
    ],
)
def test_settings(name: str, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        list(islice(load_source(name, settings).problems("train", 0), 1))


@pytest.mark.parametrize("name", SAMPLE)
def test_determinism(name: str) -> None:
    source: Any = load_source(f"reasoning_gym:{name}", {})
    later = source.problem(7, 1041)
    source.problem(3, 2)
    again: Any = load_source(f"reasoning_gym:{name}", {})
    assert again.problem(7, 1041) == later
    assert len({source.problem(seed, index).prompt for seed in (0, 1) for index in range(4)}) > 4


def test_items() -> None:
    """The same verdicts under the supervisor, whatever the scorers print."""
    problems = [problem for name in SAMPLE for problem in first(name, 4)]
    assert {p.source for p in problems} == {f"reasoning_gym:{name}" for name in SAMPLE}
    solved = [p for p in problems if p.solution is not None]
    assert len(solved) == 20
    with Supervisor("reasoning_gym", workers=1) as supervisor:
        own = list(supervisor.judge(Row(p.id, p.reference, p.solution) for p in solved))
        tagged = list(supervisor.judge(Row(p.id, p.reference, f"<answer>{p.solution}</answer>") for p in solved[:4]))
        junk = list(supervisor.judge(Row(p.id, p.reference, "Move disk 1 from Peg 1 to Peg 9") for p in problems))
    assert {j.verdict.outcome for j in (*own, *tagged)} == {"accepted"}
    assert {j.verdict.outcome for j in junk} == {"rejected"}
    for problem in problems:
        assert problem.split == split_of(problem.twin_key) == "train"
        assert problem.solution_origin == (None if problem.solution is None else "procedural")


def test_difficulty() -> None:
    short, long = (first("chain_sum", 30, config={"min_terms": terms, "max_terms": terms}) for terms in (2, 6))
    assert max(len(p.prompt) for p in short) < min(len(p.prompt) for p in long)


def test_an_answer_can_be_asked_for_in_tags() -> None:
    (problem,) = first("chain_sum", 1, prompt="tagged")
    assert "<answer>" in problem.prompt
    judge = load("reasoning_gym", {"answer": "tagged"})
    assert judge.verify(problem.reference, f"Let me see.\n{problem.solution}").outcome == "accepted"
    assert judge.verify(problem.reference, problem.solution.replace("answer", "b")).reason == "no_answer"


def test_an_answer_that_breaks_the_scorer_is_unreadable_and_a_broken_entry_is_a_fault() -> None:
    (problem,) = first("prime_factorization", 1)
    judge = load("reasoning_gym")
    verdict = judge.verify(problem.reference, "two")
    assert (verdict.outcome, verdict.reason) == ("rejected", "unreadable_answer")
    broken = {**problem.reference, "entry": {**problem.reference["entry"], "answer": "one"}}
    assert judge.verify(broken, "two").reason == "fault"
    with pytest.raises(BadReference, match="not offered"):
        judge.verify({**problem.reference, "family": "countdown"}, "1")


def test_a_score_below_the_full_one_is_kept_and_rejected() -> None:
    (problem,) = first("chain_sum", 1)
    verdict = load("reasoning_gym").verify(problem.reference, f"It is {problem.solution}, I think.")
    assert verdict.outcome == "rejected"
    assert verdict.score is not None
    assert 0 < verdict.score < 1


def test_no_scorer_that_is_offered_evaluates_text() -> None:
    """Every family whose module calls an evaluator is refused, or was read and stands above with what was found."""
    from reasoning_gym.factory import DATASETS

    found = set()
    for name, (kind, _) in DATASETS.items():
        package = kind.__module__.rpartition(".")[0]
        modules = [kind.__module__]
        if package.endswith(("gsm_symbolic", "geometry")):
            modules += [module for module in sys.modules if module.startswith(f"{package}.")]
        for module in modules:
            tree = ast.parse(inspect.getsource(sys.modules[module]))
            calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
            names = {getattr(call, "attr", getattr(call, "id", None)) for call in calls}
            if names & EVALUATES:
                found.add(name)
    assert found <= set(REFUSED) | set(REVIEWED)
    assert {"countdown", "n_queens", "bitwise_arithmetic"} <= found


@pytest.mark.slow
def test_every_family_that_is_offered_accepts_its_own_answer_and_no_fixed_word() -> None:
    from reasoning_gym.factory import DATASETS

    judge = load("reasoning_gym")
    offered = 0
    for name in sorted(set(DATASETS) - set(REFUSED)):
        check_family(name)
        (problem,) = first(name, 1)
        offered += 1
        assert judge.verify(problem.reference, "banana").outcome == "rejected", name
        if problem.solution is not None:
            assert judge.verify(problem.reference, problem.solution).outcome == "accepted", name
    assert offered > 85
