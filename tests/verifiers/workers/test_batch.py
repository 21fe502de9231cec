"""`verify_file`: the file contract of `selfplay verify`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.errors import BadFile, BadSettings, UnknownVerifier
from selfplay.verifiers.workers.batch import Summary, verify_file

MATH = VerifierSpec(verifier="math", settings={"answer": "whole"})
SAME = """
from pydantic import BaseModel
from selfplay.verifiers import Verdict, verifier

class Wanted(BaseModel):
    answer: str

@verifier(name="same", version="1", reference=Wanted)
def same(reference, completion):
    seen = {"seen": completion[:3000]}
    return Verdict.accept(**seen) if completion == reference.answer else Verdict.reject(**seen)
"""


@pytest.fixture(scope="module")
def same(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("plugin") / "same.py"
    path.write_text(SAME)
    return f"{path}:same"


def judged(spec: VerifierSpec | str, tmp_path: Path, content: bytes, **options: Any) -> list[dict[str, Any]]:
    (tmp_path / "in.jsonl").write_bytes(content)
    verify_file(spec, tmp_path / "in.jsonl", tmp_path / "out.jsonl", **options)
    return [json.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]


def row(identity: str, answer: str, completion: str, **more: Any) -> bytes:
    line = {"id": identity, "reference": {"answer": answer}, "completion": completion, **more}
    return json.dumps(line).encode() + b"\n"


def test_same_order_repeated_ids_and_the_promised_keys(tmp_path: Path) -> None:
    content = row("a", "1/2", "0.5") + row("a", "1/2", "0.25", prompt="half?") + row("b", "2", "2")
    lines = judged(MATH, tmp_path, content)
    assert [(line["id"], line["outcome"]) for line in lines] == [
        ("a", "accepted"),
        ("a", "rejected"),
        ("b", "accepted"),
    ]
    for line in lines:
        assert list(line) == ["id", "outcome", "reason", "detail", "seconds", "verifier", "version"]
        assert (line["verifier"], line["version"]) == ("math", "2")
        assert 0 <= line["seconds"] < 5


def test_bad_rows_are_lines_in_their_place(same: str, tmp_path: Path) -> None:
    bad = [
        b"\n",
        b"not json\n",
        b"[1, 2]\n",
        b'{"id": 7, "reference": {"answer": "1"}, "completion": "1"}\n',
        b'{"id": "x", "completion": "1"}\n',
        b'{"id": "x", "reference": "1", "completion": "1"}\n',
        b'{"id": "x", "reference": {"answer": "1"}, "completion": null}\n',
        b'{"id": "x", "reference": {"answer": "1"}, "completion": "1", "prompt": 3}\n',
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b'{"id": "x", "reference": {"answer": "1", "more": [{"a": NaN}]}, "completion": "1"}\n',
        b'{"id": "x", "reference": {"answer": "1", "more": 1e999}, "completion": "1"}\n',
    ]
    content = row("first", "1", "1") + b"".join(bad) + row("last", "1", "1").rstrip(b"\n")
    lines = judged(same, tmp_path, content, workers=2)
    assert [line["id"] for line in lines] == ["first", *[None] * len(bad), "last"]
    for number, line in enumerate(lines[1:-1], start=2):
        assert (line["line"], line["outcome"], line["reason"]) == (number, "undecided", "bad_row")
        assert line["detail"]["what"]
    assert "`reference` is missing" in lines[5]["detail"]["what"]
    said = [line["detail"]["what"] for line in lines[-3:-1]]
    assert said == [
        "`reference.more.0.a` is NaN, which is no JSON number",
        "`reference.more` is Infinity, which is no JSON number",
    ]


def test_a_reference_that_does_not_fit_is_a_fault(same: str, tmp_path: Path) -> None:
    (line,) = judged(same, tmp_path, b'{"id": "x", "reference": {"tests": []}, "completion": "1"}\n')
    assert (line["outcome"], line["reason"]) == ("undecided", "fault")
    assert "answer" in line["detail"]["what"]


def test_hostile_completions_make_valid_short_lines(same: str, tmp_path: Path) -> None:
    texts = ["\0", "\ud800", "\x1b[2J", "x" * 100_000, "\u2028", "<script>"]
    lines = judged(same, tmp_path, b"".join(row(str(n), "1", text) for n, text in enumerate(texts)))
    assert [line["outcome"] for line in lines] == ["rejected"] * len(texts)
    assert all(len(json.dumps(line["detail"])) <= 4096 for line in lines)


def test_summary_and_progress(same: str, tmp_path: Path) -> None:
    seen: list[int] = []
    (tmp_path / "in.jsonl").write_bytes(
        row("a", "1", "1") + b"bad\n" + row("b", "1", "2") + b'{"id": "c", "reference": {}, "completion": ""}'
    )
    files = (tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    summary = verify_file(same, *files, progress=lambda so_far: seen.append(so_far.rows))
    assert summary == Summary(4, 1, 1, 2, 1, 1, summary.seconds)
    assert seen == [1, 2, 3, 4]


def test_an_empty_file(same: str, tmp_path: Path) -> None:
    assert judged(same, tmp_path, b"") == []


def test_nothing_is_left_when_it_cannot_begin(same: str, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("older\n")
    with pytest.raises(BadFile, match="cannot read the input"):
        verify_file(same, tmp_path / "none.jsonl", out)
    (tmp_path / "in.jsonl").write_bytes(row("a", "1", "1"))
    with pytest.raises(UnknownVerifier):
        verify_file("maths", tmp_path / "in.jsonl", out)
    with pytest.raises(BadSettings):
        verify_file(VerifierSpec(verifier=same, settings={"speed": 1}), tmp_path / "in.jsonl", out)
    with pytest.raises(BadFile, match="cannot write the output"):
        verify_file(same, tmp_path / "in.jsonl", tmp_path / "no" / "folder" / "out.jsonl")
    assert out.read_text() == "older\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_an_interrupted_batch_leaves_the_older_output(same: str, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("older\n")
    (tmp_path / "in.jsonl").write_bytes(row("a", "1", "1") * 10)

    def stop(so_far: Summary) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify_file(same, tmp_path / "in.jsonl", out, progress=stop)
    assert out.read_text() == "older\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_the_input_is_never_written_over(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"id": "1", "reference": {"answer": "1"}, "completion": "1"}\n')
    before = rows.read_text()
    with pytest.raises(BadFile, match="is the input itself"):
        verify_file(MATH, rows, tmp_path / "." / "rows.jsonl")
    assert rows.read_text() == before


def test_paths_may_be_texts(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"id": "1", "reference": {"answer": "1"}, "completion": "1"}\n')
    places: list[Any] = [str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl")]
    assert verify_file(MATH, *places).accepted == 1
