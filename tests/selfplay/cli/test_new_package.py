"""`selfplay tasks new`: the package installs, is found, passes its own test and its check; what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from selfplay.cli.new_package import TASK_SOURCE, write_package
from selfplay.errors import ConfigError


def run(*command: str | Path, cwd: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"COLUMNS": "200"}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_package_installs_and_works(tmp_path: Path) -> None:
    """In an environment of its own, which sees this one's packages."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv/bin/python"
    own = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    # addsitedir follows the .pth files there, selfplay's editable install among them
    (own / "outer.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    folder = write_package(TASK_SOURCE, "triple_it", tmp_path)
    install = ("-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-build-isolation")
    run(sys.executable, *install, "-e", folder, cwd=tmp_path)
    assert "4 passed" in run(python, "-m", "pytest", "-q", folder, cwd=tmp_path)
    selfplay = (python, "-m", "selfplay", "tasks")
    listed = next(line for line in run(*selfplay, "list", cwd=tmp_path).splitlines() if line.startswith("triple_it"))
    assert listed.split()[:4] == ["triple_it", "triple-it-task", "math", "procedural"]
    assert run(*selfplay, "show", "triple_it", "-n", "2", cwd=tmp_path).count("procedural solution") == 2
    run(*selfplay, "check", "triple_it", "-n", "20", cwd=tmp_path)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Bad-Name", "`Bad-Name` cannot name a task source"),
        ("class", "`class` cannot name a task source"),
        ("gsm8k", "a task source `gsm8k` is registered already"),
    ],
)
def test_a_name_that_cannot_be_used(name: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=sentence):
        write_package(TASK_SOURCE, name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    folder = write_package(TASK_SOURCE, "triple_it", tmp_path)
    (folder / "triple_it_task.py").write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        write_package(TASK_SOURCE, "triple_it", tmp_path)
    assert (folder / "triple_it_task.py").read_text() == "mine"
    with pytest.raises(ConfigError, match=r"cannot write .*another folder"):
        write_package(TASK_SOURCE, "double_it", folder / "triple_it_task.py")
