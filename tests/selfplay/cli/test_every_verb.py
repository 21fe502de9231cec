"""The command line as a person uses it: exit codes, one sentence an error, nothing started."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from selfplay.cli.app import app

ROOT = Path(__file__).resolve().parents[3]
QUICKSTART = ROOT / "experiments/quickstart/experiment.yaml"


def process(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "selfplay", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def selfplay(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What a process would say and end with, without starting one."""
    with contextlib.chdir(ROOT):
        done = CliRunner().invoke(app, [*map(str, arguments)])
    if not isinstance(done.exception, SystemExit | None):
        raise done.exception
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def refused(*arguments: str | Path) -> str:
    done = selfplay(*arguments)
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr


def test_help_imports_nothing_heavy() -> None:
    heavy = ("torch", "vllm", "ray", "trl", "sympy", "duckdb", "transformers")
    script = f"import sys, selfplay.cli.app; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
    assert "run" in process("--help").stdout


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("distill.stepz=3", "unknown key `distill.stepz`; did you mean `distill.steps`?"),
        ("output=/etc/passwd/runs", "/etc/passwd is a file"),
        ("max_fault_share=2", "did you mean `resources.max_fault_share`?"),
        ("sampling.max_tokens=100000", "raise model.init.context"),
        ("warn_when=[{measure: accuracy, falling_for: 9}]", "`warn_when[0].falling_for` is more than `generations`"),
        ("stop_when=[{measure: accuracy, below: 0.5, task: gsm8k}]", "there is no task `gsm8k`"),
        ("distill.steps=none at all", "`distill.steps`"),
        ("sampling.temperature=-1", "`sampling.temperature`"),
        ("tasks[0].source=polynomial", "did you mean `polynomials`?"),
        ("tasks[0].larges=4", "has no key `larges`"),
        ("tasks[0].smallest=40", "`smallest` must not exceed `largest`"),
        ("verify.mathe={}", "did you mean `math`?"),
        ("verify.math.answr=1", "answr"),
        ("evaluate.problems=200000", "polynomials"),
        ("tasks[1].examples=null", "`tasks[1].examples` is missing"),
        ("tasks[0]={source: polynomials, problems: 500, examples: 9, largest: 3}", "polynomials"),
        ("model={path: /no/such/folder}", "neither a folder nor a Hub id"),
        ("model={path: tests}", "tests"),
        ("name=2026-13-01", "not valid YAML"),
        ("sampling.temperature=.inf", "`sampling.temperature`"),
        ("seeds=[99999999999]", "`seeds[0]`"),
    ],
)
def test_a_wrong_experiment_is_one_sentence(override: str, words: str) -> None:
    assert words in refused("run", QUICKSTART, "--dry-run", "--set", override)


def test_missing_files_are_one_sentence(tmp_path: Path) -> None:
    refusal = refused("run", tmp_path / "none.yaml")
    assert "No file" in refusal
    ended = process("run", tmp_path / "none.yaml")
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", refusal), "a process says the same"
    assert "none.jsonl" in refused("verify", "math", "--input", tmp_path / "none.jsonl", "--output", tmp_path / "o")
    assert "no verifier `maths`" in refused("verify", "maths", "--input", __file__, "--output", tmp_path / "o")
    assert "not a run directory" in refused("run", QUICKSTART, "--resume", tmp_path)
    assert str(tmp_path) in refused("report", tmp_path)


def test_a_run_without_a_run_directory_writes_nothing(tmp_path: Path) -> None:
    refused("run", QUICKSTART, "--set", f"output={tmp_path / 'runs'}", "--set", "distill.stepz=1")
    assert not list(tmp_path.iterdir())


def test_dry_run_prints_the_plan_and_writes_nothing(tmp_path: Path) -> None:
    done = selfplay("run", QUICKSTART, "--dry-run", "--no-probe", "--set", f"output={tmp_path / 'runs'}")
    assert done.returncode == 0, done.stderr
    assert "models                  10, 10 of them trained" in done.stdout
    assert not list(tmp_path.iterdir())


def test_gsm8k_dry_run_works_offline_and_says_what_was_not_checked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # without a network it would try for half a minute, and say the same
    done = process("run", "gsm8k", "--dry-run", "--no-probe", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "not checked             model: Qwen/Qwen2.5-0.5B-Instruct" in done.stdout
    assert "openai/gsm8k" in done.stdout


def test_verify_writes_one_line_a_row_in_order(tmp_path: Path) -> None:
    rows: list[Any] = [
        {"id": "a", "reference": {"answer": "1/2"}, "completion": r"so \boxed{0.5}"},
        "not an object",
        {"id": "a", "reference": {"answer": "1/2"}, "completion": r"so \boxed{2}"},
    ]
    given, got = tmp_path / "rows.jsonl", tmp_path / "verdicts.jsonl"
    given.write_text("\n".join(map(json.dumps, rows)))
    done = selfplay("verify", "math", "--input", given, "--output", got)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in got.read_text().splitlines()]
    assert [(line["id"], line["outcome"]) for line in lines] == [
        ("a", "accepted"),
        (None, "undecided"),
        ("a", "rejected"),
    ]
    assert lines[1]["line"] == 2


def test_listings_name_every_built_in() -> None:
    assert all(name in selfplay("tasks", "list").stdout for name in ("gsm8k", "list_functions", "polynomials"))
    assert all(name in selfplay("verifiers", "list").stdout for name in ("math", "code"))
    assert all(name in selfplay("filters", "list").stdout for name in ("majority", "self_consistency", "agreement"))
    assert "samples of other arms" in selfplay("filters", "show", "agreement").stdout
    assert "none_such" in refused("filters", "show", "none_such")
    shown = selfplay("tasks", "show", "polynomials", "-n", "1").stdout
    assert "reference" in shown
    assert "largest" in shown
    assert "timeout" in selfplay("verifiers", "show", "code").stdout


def test_the_five_arm_experiment_differs_from_the_quickstart_in_its_arms_alone() -> None:
    quick, five = (
        yaml.safe_load((QUICKSTART.parent / name).read_text()) for name in ("experiment.yaml", "five-arms.yaml")
    )
    assert five.pop("arms")[:3] == quick.pop("arms")
    assert {**five, "name": "quickstart"} == quick


def test_schema_is_json() -> None:
    assert "properties" in json.loads(selfplay("schema").stdout)
