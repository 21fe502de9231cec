"""Whose `verifiers` is imported, in this process and in a Ray worker."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from selfplay.neighbours import PACKAGES, code_digests, digest, stranger

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = """
from selfplay.cluster import Cluster
from selfplay.errors import RunError
from selfplay.neighbours import workers_import_the_same
with Cluster() as cluster:
    try:
        workers_import_the_same()
        print("the same")
    except RunError as error:
        print(error)
"""


def test_our_own_packages_are_no_strangers() -> None:
    assert [stranger(name) for name in PACKAGES] == [None] * 3


def test_one_changed_byte_changes_the_digest(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(ROOT / "tasks", tmp_path / "tasks", ignore=shutil.ignore_patterns("__pycache__")))
    assert digest(copy) == code_digests()["tasks"]
    with (copy / "problem.py").open("a") as file:
        file.write("\n")
    assert digest(copy) != code_digests()["tasks"]


def in_folder(folder: Path) -> str:
    """What a driver says whose working directory is `folder`, which Ray puts first on its workers' path."""
    script = folder / "driver" / "driver.py"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    command = [sys.executable, "-P", str(script)]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200, check=True)
    return done.stdout


@pytest.mark.slow
def test_a_worker_that_imports_other_files_is_refused(tmp_path: Path) -> None:
    assert in_folder(tmp_path).strip() == "the same"
    shutil.rmtree(tmp_path / "driver")
    (tmp_path / "verifiers").mkdir()
    (tmp_path / "verifiers" / "__init__.py").write_text("")
    said = in_folder(tmp_path)
    assert f"imports `verifiers` from {tmp_path / 'verifiers'}" in said
    assert "start from a folder that holds no package of that name" in said
