"""A source whose own code fails: one sentence with source, split, index and cause, wherever its problems are taken."""

from __future__ import annotations

import textwrap
from itertools import islice
from pathlib import Path

import pytest

from selfplay.tasks import SourceError, TaskSource, load_source
from selfplay.tasks.drawn_problems import drawn, drawn_each, most_drawn
from selfplay.tasks.errors import BrokenSource

HEAD = """
from typing import ClassVar
from selfplay.tasks import Origin, Problem, ProceduralFamily, RowSource, TaskSource, PlacedRow

class Family(ProceduralFamily):
    "Numbers."
    name: ClassVar[str] = "family"
    verifier: ClassVar[str] = "exact"
    def good(self, index):
        return self.asked(prompt=str(index), reference={"answer": "1"}, solution="1", twin_key=str(index))
    def problem(self, seed, index):
        return self.good(index)

class Rows(RowSource):
    name: ClassVar[str] = "rows"
    verifier: ClassVar[str] = "exact"
    solution_origin: ClassVar[Origin] = "human"
    def rows(self, split):
        return iter([PlacedRow({"n": 0}, "file, line 1"), PlacedRow({}, "file, line 2")])
    def read(self, row, split):
        return self.asked(prompt="p", reference={}, solution="s", split=split, twin_key="k")

class Stream(TaskSource):
    name: ClassVar[str] = "stream"
    verifier: ClassVar[str] = "exact"
    solution_origin: ClassVar[Origin] = "human"
    def problems(self, split, seed):
        return iter([])
"""
AT_3 = "def problem(self, seed, index):\n    return self.good(index) if index < 3 else "
FAMILY = "source `{name}`, split train, seed 7, index 3: `problem`"
WAYS = {
    "raises": ("Family", AT_3 + "1 // 0", FAMILY + " raised ZeroDivisionError: integer division or modulo by zero"),
    "exits": ("Family", AT_3 + "exit(0)", FAMILY + " raised SystemExit: 0"),
    "stops": ("Family", AT_3 + "next(iter([]))", FAMILY + " raised StopIteration"),
    "gives None": ("Family", AT_3 + "None", FAMILY + " gave NoneType where a Problem is due"),
    "gives a dict": ("Family", AT_3 + "{}", FAMILY + " gave dict where a Problem is due"),
    "gives a problem without a prompt": (
        "Family",
        AT_3 + "self.asked(prompt=None, reference={}, twin_key='x')",
        FAMILY + " raised a wrong Problem, `prompt`: Input should be a valid string",
    ),
    "cannot say how many": (
        "Family",
        "def different(self):\n    raise OSError('no\\ndisk')",
        "source `{name}`, split train, index 0: `problems` raised OSError: no disk",
    ),
    "cannot split": (
        "Family",
        "def for_split(self, split):\n    raise KeyError(split)",
        "source `{name}`, split train, index 0: `problems` raised KeyError: 'train'",
    ),
    "cannot read a row": (
        "Rows",
        "def read(self, row, split):\n    row.values['m']",
        "file, line 1, source `{name}`, split train: `read` raised KeyError: 'm'",
    ),
    "reads nothing": (
        "Rows",
        "def read(self, row, split):\n    pass",
        "file, line 1, source `{name}`, split train: `read` gave NoneType where a Problem is due",
    ),
    "has no rows": (
        "Rows",
        "def rows(self, split):\n    raise FileNotFoundError('gone')",
        "source `{name}`, split train, index 0: `problems` raised FileNotFoundError: gone",
    ),
    "is no stream": (
        "Stream",
        "def problems(self, split, seed):\n    pass",
        "source `{name}`, split train, index 0: `problems` raised TypeError: 'NoneType' object is not iterable",
    ),
    "cannot say why": (
        "Family",
        "class Odd(Exception):\n    def __str__(self): return 1 // 0\ndef problem(self, seed, index): raise self.Odd",
        "source `{name}`, split train, seed 7, index 0: `problem` raised Odd, which cannot say why",
    ),
    "streams what cannot say why": (
        "Stream",
        "class Odd(Exception):\n    def __str__(self): raise self\ndef problems(self, split, seed): raise self.Odd",
        "source `{name}`, split train, index 0: `problems` raised Odd, which cannot say why",
    ),
    "leaves its generator": ("Family", AT_3 + "exec('raise GeneratorExit')", FAMILY + " raised GeneratorExit"),
    "leaves its stream": (
        "Stream",
        "def problems(self, split, seed):\n    yield from ()\n    raise GeneratorExit('done')",
        "source `{name}`, split train, index 0: `problems` raised GeneratorExit: done",
    ),
    "cannot read a row without leaving": (
        "Rows",
        "def read(self, row, split):\n    raise GeneratorExit",
        "file, line 1, source `{name}`, split train: `read` raised GeneratorExit",
    ),
    "stops before it begins": (
        "Stream",
        "def problems(self, split, seed):\n    raise StopIteration",
        "source `{name}`, split train, index 0: `problems` raised StopIteration",
    ),
    "streams texts": (
        "Stream",
        "def problems(self, split, seed):\n    yield 'text'",
        "source `{name}`, split train, index 0: `problems` gave str where a Problem is due",
    ),
}


def write(folder: Path, kind: str, body: str) -> str:
    path = folder / "mine.py"
    path.write_text(f"{HEAD}\nclass Mine({kind}):\n    'Mine.'\n{textwrap.indent(body, '    ')}\n")
    return f"{path}:Mine"


def mine(folder: Path, kind: str, body: str) -> TaskSource:
    return load_source(write(folder, kind, body), {})


@pytest.mark.parametrize("way", WAYS)
def test_a_source_that_fails_is_one_sentence(tmp_path: Path, way: str) -> None:
    kind, body, words = WAYS[way]
    source = mine(tmp_path, kind, body)
    with pytest.raises(BrokenSource) as caught:
        list(islice(drawn(source, "train", 7), 10))
    assert str(caught.value).startswith(words.format(name=source.name))
    assert str(caught.value).endswith("; repair the source")
    assert "\n" not in str(caught.value)


def test_what_a_source_says_itself_is_left_alone(tmp_path: Path) -> None:
    body = "def problem(self, seed, index):\n    from selfplay.tasks import SourceError\n"
    body += "    raise SourceError('set `key`')"
    with pytest.raises(SourceError, match=r"^set `key`$") as caught:
        list(drawn(mine(tmp_path, "Family", body), "train", 0))
    assert not isinstance(caught.value, BrokenSource)


def test_a_row_that_the_source_cannot_read_leaves_the_others(tmp_path: Path) -> None:
    body = "def read(self, row, split):\n    row.values['n']\n    return super().read(row, split)"
    good, bad = drawn_each(mine(tmp_path, "Rows", body), "train")
    assert not isinstance(good, SourceError)
    assert str(bad).startswith("file, line 2, source `rows`, split train: `read` raised KeyError: 'n'")


def test_a_bound_or_a_constructor_that_raises_is_one_sentence(tmp_path: Path) -> None:
    source = mine(tmp_path, "Family", "def most(self, split):\n    raise KeyError(split)")
    with pytest.raises(BrokenSource, match="source `family`, split evaluate: `most` raised KeyError: 'evaluate'"):
        most_drawn(source, "evaluate")
    name = write(tmp_path, "Family", "def model_post_init(self, context):\n    raise OSError('no disk')")
    with pytest.raises(BrokenSource, match=r"source `.*mine\.py:Mine`: `Mine` raised OSError: no disk; repair"):
        load_source(name, {})
    name = write(tmp_path, "Family", "def model_post_init(self, context):\n    raise GeneratorExit")
    with pytest.raises(BrokenSource, match=r"`Mine` raised GeneratorExit; repair"):
        load_source(name, {})
