"""Finding task sources by name and by file, and what is said when that fails."""

from __future__ import annotations

import pickle
import warnings
from itertools import islice
from pathlib import Path

import pytest

from selfplay.tasks import SourceError, UnreachableSource, available_sources, load_source, source_class
from selfplay.tasks.plugins import BrokenPluginWarning

DOUBLES = """
from typing import ClassVar
from pydantic import Field
from selfplay.tasks import Origin, Problem, TaskSource
from selfplay.tasks.source import distinct_problems

class Doubles(TaskSource):
    "Double a number."
    name: ClassVar[str] = "doubles"
    verifier: ClassVar[str] = "math"
    solution_origin: ClassVar[Origin] = "procedural"
    largest: int = Field(default=99, ge=1)

    def problems(self, split, seed):
        return distinct_problems(self.problem, split, seed)

    def problem(self, seed, index):
        n = index % self.largest
        return Problem(prompt=f"2*{n}=", reference={"answer": str(2 * n)}, verifier=self.verifier,
                       source=self.name, split="train", twin_key=f"doubles {n}")

NoSource = 3
class Nameless(TaskSource):
    def problems(self, split, seed):
        return iter([])
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(DOUBLES)
    return tmp_path / "mine.py"


def install(folder: Path, package: str, entry: str) -> None:
    """A distribution's metadata, as an installer writes it."""
    info = folder / f"{package}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[selfplay.tasks]\n{entry}\n")


def test_built_ins_come_through_entry_points() -> None:
    sources = available_sources()
    assert {"polynomials", "list_functions", "gsm8k"} <= set(sources)
    assert all(kind.name == name and kind.__doc__ for name, kind in sources.items())


@pytest.mark.parametrize("name", ["Doubles", "doubles"])
def test_a_file_is_named_with_its_class_or_source_name(file: Path, name: str) -> None:
    source = load_source(f"{file}:{name}", {"largest": 50})
    prompts = {problem.prompt for problem in islice(source.problems("train", 0), 20)}
    assert len(prompts) == 20
    assert prompts <= {f"2*{n}=" for n in range(50)}


def test_a_plugin_is_found_and_a_broken_one_is_a_warning(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.rename(tmp_path / "working_task_plugin.py")
    (tmp_path / "broken_task_plugin.py").write_text("import a_module_that_nobody_has")
    install(tmp_path, "working-plugin", "doubles = working_task_plugin:Doubles")
    install(tmp_path, "broken-plugin", "halves = broken_task_plugin:Halves")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.warns(BrokenPluginWarning, match="broken-plugin.*a_module_that_nobody_has"):
        sources = available_sources()
    assert "halves" not in sources
    assert sources["doubles"].name == "doubles"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # another's broken package is no concern of who asks for this one
        assert load_source("doubles", {}).name == "doubles"
    with pytest.raises(SourceError, match="broken-plugin"):
        load_source("halves", {})


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("polynomial", r"no task source `polynomial`; did you mean `polynomials`\? Known: .*gsm8k"),
        ("zzz", r"no task source `zzz`\. Known: .*path/to/file\.py:name"),
        ("nowhere/mine.py:Doubles", "no file nowhere/mine.py"),
    ],
)
def test_unknown_names_are_one_sentence_with_the_remedy(name: str, sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        source_class(name)


@pytest.mark.parametrize(
    ("attribute", "sentence"),
    [
        ("Triples", "defines no task source `Triples`; name the class"),
        ("NoSource", "is not a subclass"),
        ("Nameless", "does not set the class attribute `name`"),
    ],
)
def test_what_is_no_source_is_refused(file: Path, attribute: str, sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        source_class(f"{file}:{attribute}")


def test_a_file_that_fails_is_imported_again_after_repair(tmp_path: Path) -> None:
    path = tmp_path / "later.py"
    path.write_text("1/0")
    with pytest.raises(SourceError, match=r"later\.py cannot be imported \(ZeroDivisionError"):
        source_class(f"{path}:Doubles")
    path.write_text(DOUBLES + "# repaired\n")
    assert source_class(f"{path}:Doubles").name == "doubles"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"degrees": 2}, "source `polynomials` has no key `degrees`; its keys are: degree"),
        ({"degree": "two"}, "source `polynomials`, `degree`: .*integer"),
        ({"degree": 0}, "source `polynomials`, `degree`: .*greater than or equal to 1"),
        ({"smallest": 10}, "source `polynomials`.*`smallest` must not exceed `largest`"),
    ],
)
def test_wrong_settings_name_the_key(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        load_source("polynomials", settings)


@pytest.mark.parametrize("kind", [SourceError, UnreachableSource])
def test_errors_travel_between_processes(kind: type[SourceError]) -> None:
    error = pickle.loads(pickle.dumps(kind("set `folder`")))
    assert (type(error), str(error)) == (kind, "set `folder`")
    assert isinstance(error, ValueError)
