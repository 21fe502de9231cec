"""The examples in the docs run as they stand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from selfplay.verifiers import load

ROOT = Path(__file__).resolve().parent.parent


def code_block(page: str) -> str:
    found = re.search(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def selfplay(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "selfplay", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=True)


@pytest.mark.parametrize("page", ["README.md", "docs/write-a-verifier.md"])
def test_the_verifier_example_judges(page: str, tmp_path: Path) -> None:
    (tmp_path / "palindrome.py").write_text(code_block(page))
    rows = [{"id": text, "reference": {}, "completion": text} for text in ("level", "levels")]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    selfplay(tmp_path, "verify", "palindrome.py:palindrome", "--input", "rows.jsonl", "--output", "verdicts.jsonl")
    verdicts = [json.loads(line) for line in (tmp_path / "verdicts.jsonl").read_text().splitlines()]
    assert [v["outcome"] for v in verdicts] == ["accepted", "rejected"]


def test_the_path_from_a_fresh_clone_holds_a_verifier_that_judges(tmp_path: Path) -> None:
    """benchmarks/first_verifier.py walks the whole path; here the file that it tells people to write is judged by."""
    page = (ROOT / "docs/write-a-verifier.md").read_text()
    found = re.search(r"```python\n# \S+/(falling_powers_verifier\.py)\n(.*?)```", page, re.DOTALL)
    assert found is not None
    (tmp_path / found[1]).write_text(found[2])
    judge = load(f"{tmp_path}/{found[1]}:FallingPowers")
    outcomes = {text: judge.verify({}, text).outcome for text in ("7x^2+7x+8", "8+7x+7x^2", "x+x^2", "5", "")}
    assert list(outcomes.values()) == ["accepted", "rejected", "rejected", "accepted", "rejected"]


def test_the_task_example_gives_problems(tmp_path: Path) -> None:
    (tmp_path / "doubles.py").write_text(code_block("docs/write-a-task.md"))
    shown = selfplay(tmp_path, "tasks", "show", "doubles.py:Doubles", "-n", "2").stdout
    assert shown.count("procedural solution") == 2


def test_the_filter_example_chooses(tmp_path: Path) -> None:
    from selfplay.filters import Candidate, Group
    from selfplay.filters.registry import load

    (tmp_path / "shortest.py").write_text(code_block("docs/group-filters.md"))
    group = Group("p", "prompt", [Candidate("a", "long text", "m"), Candidate("b", "text", "m")])
    choices = load(f"{tmp_path}/shortest.py:shortest", {}).plugin.choose(group)
    assert [(choice.id, choice.kept) for choice in choices] == [("a", False), ("b", True)]


def test_every_linked_file_exists() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("experiments/**/*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_plugins_of_the_page_are_found_by_their_files(tmp_path: Path) -> None:
    page = (ROOT / "docs/plugins.md").read_text()
    for name, text in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", page, re.DOTALL):
        (tmp_path / name).write_text(text)
    for noun, name in (("measures", "mean_length"), ("engines", "Shouting"), ("distill", "Longer")):
        (file,) = [file.name for file in tmp_path.glob("*.py") if name in file.read_text()]
        assert "does not say" not in selfplay(tmp_path, noun, "show", f"{file}:{name}").stdout


def test_every_test_that_a_page_names_exists() -> None:
    for file, name in re.findall(r"`([\w/]+\.py)::(\w+)", (ROOT / "docs/faults.md").read_text()):
        found = ROOT / "tests" / file
        assert found.is_file(), file
        assert f"def {name}(" in found.read_text(), f"{file}::{name}"


def test_every_file_that_a_page_names_is_there() -> None:
    pages = [*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    named = {
        (page.name, path)
        for page in pages
        for path in re.findall(r"`((?:selfplay|verifiers|tasks|benchmarks|docs)/[\w/]+\.\w+)`", page.read_text())
    }
    assert len(named) > 30
    # faults.md names tests without their first folder
    assert not {(page, path) for page, path in named if not any((ROOT / top / path).exists() for top in ("", "tests"))}
    links = {(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+?)(?:#[\w-]*)?\)", page.read_text())}
    assert not {(page.name, link) for page, link in links if not (page.parent / link).exists()}
