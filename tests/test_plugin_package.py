"""Packages of strangers, installed into an environment of their own by a real installer and used from there.

The environment is new and sees this one's libraries through a path file, so nothing heavy is copied and no network is
asked; what is installed is in the new one alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tests" / "plugin_package"


class Environment:
    """A virtual environment with a folder to work in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._bin = folder / "venv" / "bin"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True, timeout=120)
        ours = sysconfig.get_paths()["purelib"]
        (theirs,) = (folder / "venv" / "lib").glob("python*/site-packages")
        (theirs / "the-tests-own.pth").write_text(f"import site; site.addsitedir({ours!r})\n")

    def install(self, package: Path, *options: str) -> None:
        """`pip install`, without the network: the build backend is this environment's."""
        command = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", *options, str(package)]
        done = self.python(*command)
        assert done.returncode == 0, done.stderr

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._bin / "python", *arguments],
            cwd=self.folder,
            env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def selfplay(self, *arguments: str) -> str:
        done = self.python("-m", "selfplay", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("strangers"))
    copy = Path(shutil.copytree(PACKAGE, made.folder / "their-package"))
    made.install(copy)
    shutil.rmtree(copy)
    (there,) = made.folder.glob("venv/lib/python*/site-packages")
    (there / "rotten-1.dist-info").mkdir()
    (there / "rotten-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: rotten\nVersion: 1\n")
    (there / "rotten-1.dist-info/entry_points.txt").write_text("[selfplay.verifiers]\nrot = no_such_module_here:Rot\n")
    return made


def test_a_strangers_verifier_and_source_are_listed_and_shown(environment: Environment) -> None:
    listed = environment.selfplay("verifiers", "list")
    (line,) = [line for line in listed.splitlines() if line.startswith("roman_numeral ")]
    assert "selfplay-roman-numerals" in line
    assert "Roman numeral" in line
    assert "math" in listed
    broken = listed.partition("\nrot ")[2]
    assert "cannot be used" in broken
    assert "package rotten" in " ".join(broken.split())
    assert "roman_numerals" in environment.selfplay("tasks", "list")
    shown = environment.selfplay("verifiers", "show", "roman_numeral")
    assert "roman_numeral 3" in shown
    assert "small" in shown
    problems = environment.selfplay("tasks", "show", "roman_numerals", "-n", "2", "--set", "largest=12")
    assert problems.count("procedural solution") == 2


def test_it_judges_by_its_name(environment: Environment) -> None:
    rows = [
        {"id": text, "reference": {"number": number}, "completion": text}
        for number, text in ((1994, "MCMXCIV"), (4, "IIII"), (9, "ix"), (0, "N"))
    ]
    (environment.folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    files = ["--input", "rows.jsonl", "--output", "verdicts.jsonl"]
    environment.selfplay("verify", "roman_numeral", *files, "--set", "small=true")
    lines = [json.loads(line) for line in (environment.folder / "verdicts.jsonl").read_text().splitlines()]
    assert [(line["id"], line["outcome"], line["reason"]) for line in lines] == [
        ("MCMXCIV", "accepted", "accepted"),
        ("IIII", "rejected", "wrong_numeral"),
        ("ix", "accepted", "accepted"),
        ("N", "undecided", "fault"),
    ]
    assert {(line["verifier"], line["version"]) for line in lines} == {("roman_numeral", "3")}
    assert "`number`" in lines[3]["detail"]["what"]


def test_it_is_installed_nowhere_else(environment: Environment) -> None:
    done = subprocess.run([sys.executable, "-c", "import roman_numerals"], capture_output=True, text=True, check=False)
    assert "No module named" in done.stderr


@pytest.mark.slow
def test_a_new_verifier_works_from_its_first_minute(environment: Environment) -> None:
    """`verifiers new`, `pip install -e`, its own tests, and a verdict."""
    told = environment.selfplay("verifiers", "new", "last_word")
    assert "pip install -e last-word-verifier" in told
    folder = environment.folder / "last-word-verifier"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "last_word_verifier.py",
        "pyproject.toml",
        "test_last_word_verifier.py",
    ]
    environment.install(folder, "--editable")
    tested = environment.python("-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder))
    assert tested.returncode == 0, tested.stdout
    assert "7 passed" in tested.stdout
    assert "last_word 1" in environment.selfplay("verifiers", "show", "last_word")
    again = environment.python("-m", "selfplay", "verifiers", "new", "last_word")
    assert (again.returncode, "registered already" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "words"),
    [("Math", "lower-case"), ("math", "registered already"), ("a__b", "single underscores"), ("../x", "cannot name")],
)
def test_a_name_that_cannot_be_used_is_one_sentence(tmp_path: Path, name: str, words: str) -> None:
    command = [sys.executable, "-m", "selfplay", "verifiers", "new", name, "--into", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())
