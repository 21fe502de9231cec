"""The package as a stranger gets it: built, installed beside others, used from another folder, and uninstalled.

uv makes the environments from its cache, which `make install` has filled, and links files instead of copying them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
THEIRS = "verifiers==0.4.0"  # PrimeIntellect's, which has the name of a folder of ours
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
ROWS = {
    "math": [
        {"id": "right", "reference": {"answer": "1/2"}, "completion": "The answer is 0.5"},
        {"id": "wrong", "reference": {"answer": "1/2"}, "completion": "The answer is 0.51"},
    ],
    "code": [
        {"id": name, "reference": {"entry_point": "f", "tests": ["assert f(1) == 2"]}, "completion": program}
        for name, program in (("right", "def f(x):\n    return x + 1\n"), ("wrong", "def f(x):\n    return x\n"))
    ],
    "mine.py:mine": [
        {"id": "right", "reference": {}, "completion": "level"},
        {"id": "wrong", "reference": {}, "completion": "up"},
    ],
}
PLUGIN = """
from selfplay.verifiers import Verdict, verifier


@verifier(name="mine", version="1")
def mine(reference, completion):
    return Verdict.accept() if completion == completion[::-1] else Verdict.reject("not_a_palindrome")
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(UV is None, reason="uv is not here; `make install` brings it")]


def uv(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs uv without the network, and with it where its cache does not hold everything."""
    environment = {**os.environ, "UV_LINK_MODE": "symlink"}
    links = os.environ.get("PIP_FIND_LINKS", "")
    if links and any(Path(links).glob("torch-*cpu*.whl")):
        environment["UV_FIND_LINKS"] = links
    else:
        environment["UV_TORCH_BACKEND"] = "auto"
    for network in (["--offline"], []):
        command = [str(UV), *map(str, arguments), "--quiet", *network]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode == 0:
            break
    return done


class Environment:
    """A new virtual environment and a folder to work in that holds nothing of the project."""

    def __init__(self, folder: Path, *packages: str) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        self.bin = folder / "venv" / "bin"
        assert uv("venv", "--python", sys.executable, folder / "venv").returncode == 0
        done = self.pip("install", "--constraints", ROOT / "constraints.txt", *packages)
        assert done.returncode == 0, done.stderr
        (self.folder / "mine.py").write_text(PLUGIN)

    def pip(self, verb: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return uv("pip", verb, "--python", self.bin / "python", *arguments)

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.bin / program), *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            # The libraries are compiled once an environment, not by each process.
            env={**os.environ, "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": ""},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def evaluate(self, expression: str) -> str:
        done = self.run("python", "-c", f"import importlib.util, importlib.metadata; print({expression})")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def outcomes(self, verifier: str) -> dict[str, str]:
        (self.folder / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS[verifier])))
        done = self.run("selfplay", "verify", verifier, "--input", "rows.jsonl", "--output", "verdicts.jsonl")
        assert done.returncode == 0, done.stderr
        lines = map(json.loads, (self.folder / "verdicts.jsonl").read_text().splitlines())
        return {line["id"]: line["outcome"] for line in lines}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was made from it."""
    folder = tmp_path_factory.mktemp("built")
    done = uv("build", "--no-build-isolation", "--python", sys.executable, "--out-dir", folder, ROOT)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (wheel,) = built.glob("selfplay_lab-*.whl")
    return wheel


def test_the_wheel_holds_real_folders_and_nothing_beside_selfplay(built: Path, wheel: Path, tmp_path: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"selfplay", "selfplay_lab"}
    for folder in ("verifiers", "tasks", "experiments"):
        here = {
            f"selfplay/{path.relative_to(ROOT)}"
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert here == {name for name in names if name.startswith(f"selfplay/{folder}/")}
    assert "selfplay/py.typed" in names
    (sdist,) = built.glob("selfplay_lab-*.tar.gz")
    with tarfile.open(sdist) as archive:
        assert not [member.name for member in archive if member.issym()]
    straight = uv("build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", tmp_path, ROOT)
    assert straight.returncode == 0, straight.stderr
    assert set(zipfile.ZipFile(tmp_path / wheel.name).namelist()) == names


def test_the_base_install_judges_without_the_loop(wheel: Path, tmp_path: Path) -> None:
    base = Environment(tmp_path, str(wheel))
    heavy = ("torch", "ray", "transformers", "vllm", "datasets", "pyarrow", "duckdb", "scipy", "numpy")
    assert base.evaluate(f"[name for name in {heavy} if importlib.util.find_spec(name)]") == "[]"
    for verifier in ROWS:
        assert base.outcomes(verifier) == {"right": "accepted", "wrong": "rejected"}
    assert "selfplay-lab" in base.run("selfplay", "verifiers", "list").stdout
    assert "procedural solution" in base.run("python", "-m", "selfplay", "tasks", "show", "fractions", "-n", "1").stdout
    base.evaluate("importlib.import_module('selfplay.cli.audit_thresholds')")
    for extra, *verb in (
        ("loop", "run", "quickstart"),
        ("loop", "run", "quickstart", "--dry-run"),
        ("loop", "tasks", "show", "gsm8k"),
        ("serve", "serve-verifiers"),
    ):
        done = base.run("selfplay", *verb)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
        assert f"the extra `{extra}`; run `make install`" in done.stderr
    assert not (base.folder / "runs").exists()


def test_it_lives_beside_a_package_named_verifiers(wheel: Path, tmp_path: Path) -> None:
    both = Environment(tmp_path, f"selfplay-lab[loop] @ {wheel.as_uri()}")
    if both.pip("install", "--no-deps", THEIRS).returncode:
        pytest.skip(f"{THEIRS} is neither in uv's cache nor to be fetched")
    (there,) = both.bin.parent.glob("lib/python*/site-packages")
    before = _hashes(there / "verifiers")
    assert len(before) > 10
    planned = both.run("selfplay", "run", "quickstart", "--dry-run", "--no-probe")
    assert planned.returncode == 0, planned.stderr
    assert "This was a dry run" in planned.stdout
    for verifier in ROWS:
        assert both.outcomes(verifier) == {"right": "accepted", "wrong": "rejected"}
    where = "importlib.util.find_spec('verifiers').origin"
    assert both.evaluate(where) == str(there / "verifiers" / "__init__.py")
    assert both.pip("uninstall", "selfplay-lab").returncode == 0
    assert not (there / "selfplay").exists()
    assert both.evaluate(where) == str(there / "verifiers" / "__init__.py")
    assert _hashes(there / "verifiers") == before


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
