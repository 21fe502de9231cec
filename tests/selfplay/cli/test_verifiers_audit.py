"""`selfplay verifiers audit`: table, page, record, thresholds and refusals."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from selfplay.cli.app import app
from selfplay.cli.audit_thresholds import Thresholds, named_source
from selfplay.errors import ConfigError
from selfplay.report.report_page import audited
from selfplay.verifiers.audit.audit import Audit, Plan, audit
from selfplay.verifiers.audit.record import store
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.errors import BadAudit

HOSTILE = "<script>alert(1)</script> [/] \x1b[31m \u202etxet {{ 7 * 7 }}"


def selfplay(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    with contextlib.chdir(folder):
        done = CliRunner().invoke(app, [*arguments], env={"SELFPLAY_AUDITS": str(folder / "audits")})
    if not isinstance(done.exception, SystemExit | None):
        raise done.exception
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labelled rows of which `regex` gets one right and one wrong wrong."""
    known = [("7", "right"), ("seven", "right"), ("8", "wrong"), (f"{HOSTILE}7", "wrong")]
    folder = tmp_path_factory.mktemp("audit")
    lines = [
        json.dumps({"id": str(i), "reference": {"pattern": "7"}, "completion": text, "label": label})
        for i, (text, label) in enumerate(known)
    ]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    return folder / "rows.jsonl"


@pytest.fixture(scope="module")
def done(rows: Path) -> Audit:
    return audit(Plan(VerifierSpec(verifier="regex"), labelled=rows))


def test_the_verb_prints_writes_and_misses_a_threshold(rows: Path) -> None:
    folder = rows.parent
    asked = ["verifiers", "audit", "regex", "--labelled", "rows.jsonl", "--output", "out"]
    ended = selfplay(folder, *asked, "--max-false-accept", "0.4", "--max-false-reject", "0.5", "--max-attacks", "999")
    assert ended.returncode == 1, ended.stderr
    assert "--max-false-accept 0.4 is missed: 1 of 2 accepted wrong rows (50.00%)" in ended.stdout
    assert "--max-false-reject" not in ended.stdout
    assert "\x1b" not in ended.stdout
    assert {path.name for path in (folder / "out").iterdir()} == {
        "index.html",
        "table.md",
        "audit.json",
        "rows.jsonl",
    }
    page = (folder / "out" / "index.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "{{ 7 * 7 }}" in page
    assert '<span class="hidden">\\x1b</span>[31m' in page
    assert "\u202e" not in page
    lines = [json.loads(line) for line in (folder / "out" / "rows.jsonl").read_text().splitlines()]
    assert [line["outcome"] for line in lines[:4]] == ["accepted", "rejected", "rejected", "accepted"]
    shown = selfplay(folder, "verifiers", "show", "regex").stdout
    assert "accepted 50.0 %" in shown


def test_refusals_are_one_sentence(tmp_path: Path) -> None:
    for arguments, words in (
        (["audit", "math", "--labelled", "none.jsonl"], "cannot read none.jsonl"),
        (["audit", "math", "--source", "polynomial"], "did you mean `polynomials`?"),
        (["audit", "math", "--set", "answr=1"], "answr"),
        (["audit", "math", "--second-set", "answer=whole"], "name it with --second"),
    ):
        ended = selfplay(tmp_path, "verifiers", *arguments)
        assert ended.returncode == 2, ended
        assert words in ended.stderr
        assert len(ended.stderr.strip().splitlines()) == 1


def test_a_threshold_needs_rows(done: Audit) -> None:
    right = [one for one in done.record.categories if one.label == "right"]
    record = done.record.model_copy(update={"categories": right})
    assert not Thresholds(false_reject=0.5).missed(record)
    with pytest.raises(BadAudit, match="--max-false-accept asks about accepted wrong rows"):
        Thresholds(false_accept=0.1).missed(record)
    with pytest.raises(BadAudit, match="none was tried"):
        Thresholds(attacks=0).missed(record)
    assert "(50.00%)" in Thresholds(false_reject=0.49).missed(record)[0]


def test_a_source_with_settings() -> None:
    found = named_source("gsm8k,folder=data/here,limit=5")
    assert (found.name, found.settings) == ("gsm8k", {"folder": "data/here", "limit": 5})
    with pytest.raises(ConfigError, match="SOURCE,KEY=VALUE"):
        named_source("gsm8k,data")


def test_a_run_shows_the_audit_of_its_verifier(done: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFPLAY_AUDITS", str(tmp_path))
    record = done.record
    key = (record.verifier, record.version, record.settings_hash)
    assert audited(*key).startswith("not audited")
    path = store(record)
    assert audited(*key) == record.sentence
    assert "accepted 50.0 % (9.5 to 90.5) of right and 50.0 % (9.5 to 90.5) of wrong" in record.sentence
    path.write_text("rubbish")
    assert "remove it, or audit again" in audited(*key)
