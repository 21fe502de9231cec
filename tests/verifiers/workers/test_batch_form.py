"""The batch form: used where a plugin has it, and no completion pays for its neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from selfplay.verifiers import Asked, BrokenVerifier, Row, Supervisor, load

BULK = """
import os, sys, time
from pydantic import BaseModel
from selfplay.verifiers import Verdict, Verifier

class Wanted(BaseModel):
    answer: str = "right"

class Settings(BaseModel):
    timeout: float = 0.2

class Bulk(Verifier):
    name = "bulk"
    version = "1"
    batch = 8
    Reference = Wanted
    Settings = Settings

    def verify(self, asked):
        return self.one(asked, 1)

    def verify_many(self, asked):
        completions = [one.completion for one in asked]
        if "rubbish" in completions:
            return [True] * len(completions)
        if "too few" in completions:
            return []
        return [self.one(one, len(asked)) for one in asked]

    def one(self, asked, size):
        completion = asked.completion
        if completion == "die":
            os._exit(3)
        if completion == "hang":
            time.sleep(1000)
        if completion == "raise":
            raise KeyError("bulk")
        if completion == "die in company" and size > 1:
            os._exit(3)
        if completion == "hang in company" and size > 1:
            time.sleep(1000)
        told = Verdict.accept if completion == asked.reference.answer else Verdict.reject
        return told(size=size, prompt=asked.prompt)
"""
RIGHT, WRONG, FAULT = ("accepted", "accepted"), ("rejected", "rejected"), ("undecided", "fault")


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("plugin") / "bulk.py"
    path.write_text(BULK)
    return f"{path}:Bulk"


@pytest.fixture(scope="module")
def bulk(plugin: str) -> Iterator[Supervisor]:
    with Supervisor(plugin) as running:
        yield running


def test_completions_that_wait_are_judged_together_in_order(bulk: Supervisor) -> None:
    rows = [Row(str(n), {}, "right" if n % 3 else "wrong", prompt=f"p{n}") for n in range(40)]
    judged = list(bulk.judge(rows))
    assert [j.verdict.outcome for j in judged] == ["accepted" if n % 3 else "rejected" for n in range(40)]
    sizes = [int(str(j.verdict.detail["size"])) for j in judged]
    assert max(sizes) == 8
    in_company = [j for j, size in zip(judged, sizes, strict=True) if size > 1]
    assert all(j.verdict.detail["prompt"] == f"p{j.id}" for j in in_company)


@pytest.mark.parametrize(
    ("strange", "its_own"),
    [
        ("die", ("rejected", "kills_its_judge")),
        ("raise", FAULT),
        ("hang", FAULT),
        ("die in company", WRONG),
        ("hang in company", WRONG),
        ("rubbish", WRONG),
        ("too few", WRONG),
    ],
)
def test_neighbours_of_a_strange_completion_are_judged_as_if_it_had_not_been_there(
    bulk: Supervisor, strange: str, its_own: tuple[str, str]
) -> None:
    completions = ["right", "wrong", strange, "right", "wrong"]
    judged = list(bulk.judge([Row(str(n), {}, text) for n, text in enumerate(completions)]))
    found = [(j.verdict.outcome, j.verdict.reason) for j in judged]
    assert found == [RIGHT, WRONG, its_own, RIGHT, WRONG]


def test_a_reference_that_does_not_fit_is_a_fault_of_its_row_alone(bulk: Supervisor) -> None:
    rows = [Row("a", {}, "right"), Row("b", {"answer": 7}, "7"), Row("c", {}, "right")]
    judged = list(bulk.judge(rows))
    assert [j.verdict.reason for j in judged] == ["accepted", "fault", "accepted"]
    assert "`answer`" in str(judged[1].verdict.detail["what"])


def test_without_a_supervisor_both_forms_agree(plugin: str) -> None:
    loaded = load(plugin)
    assert (loaded.batch, load("math").batch) == (8, 1)
    texts = ["right", "wrong", "right"]
    many = loaded.judge_many([Asked(loaded.read_reference({}), text) for text in texts])
    assert [v.outcome for v in many] == [loaded.verify({}, text).outcome for text in texts]
    with pytest.raises(TypeError, match="0 verdicts for 1"):
        loaded.judge_many([Asked(loaded.read_reference({}), "too few")])


MANY = "def verify_many(self, asked): return []"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("needs = Needs(packages=('a_package_that_nobody_has',))", "package `a_package_that_nobody_has`.*install it"),
        ("needs = 'gpu'", r"no selfplay\.verifiers\.Needs"),
        ("def __init__(self, settings): raise OSError('no disk')", r"odd verifier cannot be built \(OSError: no disk"),
        ("Reference = dict", "`Reference` that is no pydantic model"),
        ("batch = 'x'", "`batch` 'x'; write a whole number"),
        ("batch = True", "`batch` True; write a whole number"),
        ("def __init__(self, settings): self.batch = '8'", "`batch` '8'; write a whole number"),
        ("def __init__(self, settings): self.needs = 'gpu'", r"no selfplay\.verifiers\.Needs"),
        (MANY, "the `batch` 0, so it would never be called; .*`batch = 64`"),
        (f"batch = 0; {MANY}".replace("; ", "\n    "), "the `batch` 0, so it would never be called"),
        (f"batch = -1; {MANY}".replace("; ", "\n    "), "the `batch` -1, so it would never be called"),
        ("batch = 8\n    def verify_many(self): return []", "verify_many that takes self and"),
        (
            "batch = 8\n    def verify_many(self, references, completions): return []",
            r"`def verify_many\(self, asked\)`",
        ),
        ("batch = 8\n    async def verify_many(self, asked): return []", "an `async` verify_many"),
        ("def identity(self): return object()", r"cannot be built \(TypeError"),
    ],
)
def test_what_a_plugin_declares_is_checked_before_it_judges(tmp_path: Path, line: str, words: str) -> None:
    text = "from selfplay.verifiers import Needs, Verdict, Verifier\n"
    text += "class Odd(Verifier):\n    name = 'odd'\n    version = '1'\n"
    text += f"    {line}\n    def verify(self, asked):\n        return Verdict.accept()\n"
    (tmp_path / "odd.py").write_text(text)
    with pytest.raises(BrokenVerifier, match=words):
        load(f"{tmp_path / 'odd.py'}:Odd")
