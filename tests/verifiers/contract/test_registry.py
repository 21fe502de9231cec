"""Finding verifiers by name and by file, and what is said when that fails."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from selfplay import verifiers
from selfplay.tasks.plugins import BrokenPluginWarning
from selfplay.verifiers import BadReference, BadSettings, BrokenVerifier, UnknownVerifier, load
from selfplay.verifiers.contract.registry import VERIFIERS

PALINDROME = """
from selfplay.verifiers import Verdict, verifier

@verifier(name="palindrome", version="3", judges="palindromes")
def palindrome(reference, completion, prompt=None):
    text = completion.strip()
    return Verdict.accept(prompt=prompt) if text == text[::-1] else Verdict.reject("not_a_palindrome")
"""
LONGER = """
from typing import ClassVar
from pydantic import BaseModel, ConfigDict
from selfplay.verifiers import Verdict, Verifier

class Wanted(BaseModel):
    at_least: int

class Limits(BaseModel):
    model_config = ConfigDict(extra="forbid")
    spare: int = 0

class Longer(Verifier):
    name = "longer"
    version = "1"
    Reference = Wanted
    Settings = Limits

    def verify(self, asked):
        enough = len(asked.completion) >= asked.reference.at_least + self.settings.spare
        return Verdict.accept() if enough else Verdict.reject("too_short")
"""


@pytest.fixture
def palindrome(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(PALINDROME)
    return f"{tmp_path}/mine.py:palindrome"


@pytest.fixture
def longer(tmp_path: Path) -> str:
    (tmp_path / "longer.py").write_text(LONGER)
    return f"{tmp_path}/longer.py:Longer"


def test_built_ins_come_through_entry_points() -> None:
    listed = {entry.name: entry for entry in VERIFIERS.listed()}
    assert listed["math"].package == "selfplay-lab"
    math = listed["math"].value
    assert math is not None
    assert (math.version, bool(math.judges), bool(math.does_not_catch)) == (load("math").version, True, True)


def test_a_decorated_function_in_a_file(palindrome: str) -> None:
    loaded = load(palindrome)
    assert (loaded.name, loaded.version) == ("palindrome", "3")
    assert loaded.verify({}, " abba ").outcome == "accepted"
    assert loaded.verify({}, "abc").reason == "not_a_palindrome"
    assert loaded.verify({}, "aba", prompt="say it").detail == {"prompt": "say it"}


def test_a_class_with_reference_and_settings(longer: str) -> None:
    loaded = load(longer, {"spare": 2})
    assert loaded.verify({"at_least": 3}, "12345").outcome == "accepted"
    assert loaded.verify({"at_least": 3}, "1234").outcome == "rejected"
    with pytest.raises(BadReference, match="`at_least`"):
        loaded.verify({"at_least": "many"}, "1234")


def test_settings_are_validated_and_hashed(longer: str) -> None:
    assert load(longer).settings_hash == load(longer, {"spare": 0}).settings_hash
    assert load(longer).settings_hash != load(longer, {"spare": 1}).settings_hash
    assert len(load(longer).settings_hash) == 16
    with pytest.raises(BadSettings, match=r"`spere`.*`spare`"):
        load(longer, {"spere": 1})


def test_unknown_names_say_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(UnknownVerifier, match=r"`maht`.*did you mean `math`"):
        load("maht")
    with pytest.raises(UnknownVerifier, match="no file"):
        load(str(tmp_path / "none.py") + ":thing")
    (tmp_path / "empty.py").write_text("")
    with pytest.raises(UnknownVerifier, match="defines no verifier `thing`"):
        load(str(tmp_path / "empty.py") + ":thing")


def test_a_file_that_raises_or_keeps_no_contract(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import no_such_module_anywhere")
    with pytest.raises(BrokenVerifier, match="no_such_module_anywhere"):
        load(str(tmp_path / "bad.py") + ":thing")
    (tmp_path / "plain.py").write_text("def thing(reference, completion): return True")
    with pytest.raises(BrokenVerifier, match="@verifier"):
        load(str(tmp_path / "plain.py") + ":thing")


CLASS = (
    "from selfplay.verifiers import Verdict, Verifier\n"
    "class Thing(Verifier):\n    name, version = {name!r}, '1'\n    {form}\n"
)
FUNCTION = "from selfplay.verifiers import Verdict, verifier\n@verifier(name={name!r}, version='1')\n{form}\n"


@pytest.mark.parametrize(
    ("text", "form", "words"),
    [
        (
            CLASS,
            "def verify(self): ...",
            r"verify that takes self and cannot be called with asked .*`def verify\(self, asked",
        ),
        (
            CLASS,
            "def verify(self, reference, completion): ...",
            r"takes self, reference, completion and .*`def verify\(self, as",
        ),
        (CLASS, "def verify(self, asked, extra): ...", "'extra'.*give further parameters a default"),
        (CLASS, "def verify(self, asked, *, extra): ...", "'extra'"),
        (CLASS, "async def verify(self, asked): ...", r"an `async` verify.*asyncio\.run"),
        (CLASS, "async def verify(self, asked): yield", "an `async` verify"),
        (CLASS, "def verify(self, asked): yield", "a verify that yields"),
        (CLASS, "verify = 5", "no `verify` that can be called"),
        (CLASS, "pass", "no `verify` that can be called"),
        (FUNCTION, "def Thing(reference): ...", r"takes reference and .*write `def Thing\(reference, completion\)`"),
        (FUNCTION, "def Thing(reference, completion, extra): ...", "'extra'.*give further parameters a default"),
        (FUNCTION, "def Thing(reference, completion, prompt, /): ...", "'prompt'"),
        (FUNCTION, "async def Thing(reference, completion): ...", "an `async` verify"),
        (FUNCTION, "def Thing(reference, completion): yield", "a verify that yields"),
    ],
)
def test_a_form_that_cannot_be_called_is_refused_where_it_is_found(
    tmp_path: Path, text: str, form: str, words: str
) -> None:
    (tmp_path / "mine.py").write_text(text.format(name="thing", form=form))
    with pytest.raises(BrokenVerifier, match=f"verifier `Thing` in .*{words}") as caught:
        VERIFIERS.find(f"{tmp_path}/mine.py:Thing")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (CLASS, "def verify(self, asked, *, extra=1): return Verdict.accept()"),
        (CLASS, "def verify(self, asked, extra=1, **more): return Verdict.accept()"),
        (CLASS, "def verify(self, *args): return Verdict.accept(args[0].completion)"),
        (CLASS, "def verify(*args, **named): return Verdict.accept(args[1].completion)"),
        (CLASS, "def verify(self, one, /): return Verdict.accept(timeout=one.timeout)"),
        (CLASS, "verify = staticmethod(lambda asked: Verdict.accept())"),
        (CLASS, "@classmethod\n    def verify(cls, asked): return Verdict.accept()"),
        (FUNCTION, "def Thing(given, said, /, prompt=None, *, timeout): return Verdict.accept(timeout=timeout)"),
        (FUNCTION, "def Thing(*args, prompt): return Verdict.accept(prompt=prompt)"),
    ],
)
def test_every_form_that_can_be_called_is_taken(tmp_path: Path, text: str, form: str) -> None:
    (tmp_path / "mine.py").write_text(text.format(name="thing", form=form))
    assert load(f"{tmp_path}/mine.py:Thing").verify({}, "said").outcome == "accepted"


WRAPPED = """
import functools
from selfplay.verifiers import Verdict, verifier

def injecting(inner):
    @functools.wraps(inner)
    def outer(reference, completion):
        return inner(reference, completion, "tok")
    return outer

def passing(inner):
    @functools.wraps(inner)
    def outer(*args, **kwargs):
        return inner(*args, **kwargs)
    return outer

def adding(inner):
    @functools.wraps(inner)
    def outer(reference, completion, prompt=None, **kwargs):
        return inner(reference, completion, **kwargs)
    return outer

@verifier(name="thing", version="1")
{decorators}
def Thing(reference, completion{more}):
    return Verdict.accept(seen=str([{seen}]))
"""


@pytest.mark.parametrize(
    ("decorators", "more", "seen"),
    [
        ("@injecting", ", tok", "tok"),
        ("@injecting", ", prompt", "tok"),
        ("@passing\n@injecting", ", prompt", "tok"),
        ("@passing", ", prompt, timeout", "said 2.0"),
        ("@passing\n@passing", ", prompt=None, *, timeout", "said 2.0"),
        ("@adding", ", timeout", "2.0"),
        ("@adding", "", ""),
    ],
)
def test_a_wrapper_is_called_as_it_is_and_not_as_what_it_wraps(
    tmp_path: Path, decorators: str, more: str, seen: str
) -> None:
    names = [part.strip().partition("=")[0] for part in more.split(",") if part.strip(" *")]
    text = WRAPPED.format(decorators=decorators, more=more, seen=", ".join(names))
    (tmp_path / "mine.py").write_text(text)
    verdict = load(f"{tmp_path}/mine.py:Thing").verify({}, "text", prompt="said", timeout=2.0)
    assert verdict.detail["seen"] == str([float(word) if word == "2.0" else word for word in seen.split()])


@pytest.mark.parametrize("line", ["batch = numpy.int64(4)", "batch = None", "judges = does_not_catch = None"])
def test_values_that_serve_are_taken(tmp_path: Path, line: str) -> None:
    form = f"{line}\n    def verify(self, asked): return Verdict.accept()\n"
    if "numpy" in line:
        form += "    def verify_many(self, asked): return [Verdict.accept() for _ in asked]\n"
    (tmp_path / "mine.py").write_text("import numpy\n" + CLASS.format(name="thing", form=form))
    loaded = load(f"{tmp_path}/mine.py:Thing")
    assert loaded.batch == (4 if "numpy" in line else 1)
    assert loaded.verify({}, "said").outcome == "accepted"


@pytest.mark.parametrize("name", [5, "two words", "a\nline", "tab\t", "nul\0"])
@pytest.mark.parametrize("text", [CLASS, FUNCTION])
def test_a_name_that_nobody_can_type_is_refused(tmp_path: Path, text: str, name: object) -> None:
    form = "def verify(self, asked): ..." if text is CLASS else "def Thing(reference, completion): ..."
    (tmp_path / "mine.py").write_text(text.format(name=name, form=form))
    with pytest.raises(BrokenVerifier, match=r"has the name .* a text without white space") as caught:
        VERIFIERS.find(f"{tmp_path}/mine.py:Thing")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "class Thing:\n    name, version = 'thing', '1'\n    def verify(self, asked): ...",
            r"`class Thing\(Verifier\)`",
        ),
        ("class Thing(Verifier):\n    version = '1'", 'no `name`; give it one, such as `name = "palindrome"`'),
        ("class Thing(Verifier):\n    name = 'thing'", 'no `version`; give it one, such as `version = "1"`'),
        ("class Thing(Verifier):\n    name, version = 'thing', 2", "the version 2; give it a text .* such as `1`"),
        ("class Thing(Verifier):\n    name, version = 'thing', '1 b'", "the version '1 b'; give it a text"),
    ],
)
def test_a_class_that_does_not_inherit_or_does_not_say_what_it_is(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "mine.py").write_text(f"from selfplay.verifiers import Verifier\n{text}\n")
    with pytest.raises(BrokenVerifier, match=f"verifier `Thing` in .*{words}") as caught:
        VERIFIERS.find(f"{tmp_path}/mine.py:Thing")
    assert "\n" not in str(caught.value)


def test_what_a_class_is_asked(tmp_path: Path) -> None:
    form = "def verify(self, asked): return Verdict.accept(seen=[asked.reference, asked.prompt, asked.timeout])"
    (tmp_path / "mine.py").write_text(CLASS.format(name="thing", form=form))
    loaded = load(f"{tmp_path}/mine.py:Thing")
    assert loaded.verify({"a": 1}, "text", prompt="said", timeout=2.0).detail == {"seen": [{"a": 1}, "said", 2.0]}
    assert loaded.plugin.timeout == 10


def test_a_broken_package_is_a_warning_and_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = tmp_path / "rotten-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: rotten\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{VERIFIERS.group}]\nrotten = rotten_module_that_is_missing:Thing\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.warns(BrokenPluginWarning, match="package rotten"):
        listed = {entry.name: entry for entry in VERIFIERS.listed()}
    assert "rotten_module_that_is_missing" in (listed["rotten"].error or "")
    assert listed["math"].error is None
    with pytest.raises(BrokenVerifier, match="package rotten"):
        load("rotten")


def test_errors_survive_pickling() -> None:
    for kind in (UnknownVerifier, BadSettings, BadReference, BrokenVerifier, verifiers.BadFile):
        again = pickle.loads(pickle.dumps(kind("one sentence")))
        assert type(again) is kind
        assert str(again) == "one sentence"
        assert isinstance(again, verifiers.VerifierError)
