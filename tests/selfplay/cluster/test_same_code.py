"""Which `selfplay` is imported in a Ray worker, and whether it is the code of the driver."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from selfplay.cluster.same_code import digest, folder

SCRIPT = """
from selfplay.cluster.connection import Cluster
from selfplay.errors import RunError
from selfplay.cluster.same_code import workers_import_the_same
with Cluster() as cluster:
    try:
        workers_import_the_same()
        print("the same")
    except RunError as error:
        print(error)
"""


@pytest.mark.parametrize("changed", ["seeds.py", "verifiers/contract/verdict.py", "tasks/problem.py"])
def test_one_changed_byte_changes_the_digest(tmp_path: Path, changed: str) -> None:
    """Also in the packages that a checkout reaches through links."""
    copy = Path(shutil.copytree(folder(), tmp_path / "selfplay", ignore=shutil.ignore_patterns("__pycache__")))
    assert digest(copy) == digest(folder())
    with (copy / changed).open("a") as file:
        file.write("\n")
    assert digest(copy) != digest(folder())


def test_the_digest_follows_links(tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "one.py").write_text("a = 1\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "linked").symlink_to("../beside")
    before = digest(tmp_path / "package")
    (tmp_path / "beside" / "one.py").write_text("a = 2\n")
    assert digest(tmp_path / "package") != before


def test_the_linked_packages_are_imported_under_one_name_alone() -> None:
    root = folder().resolve().parent
    for name in ("verifiers", "tasks"):
        command = [sys.executable, "-c", f"import {name}"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)
        assert f"ImportError: this folder is the package `selfplay.{name}`" in done.stderr


def in_folder(place: Path) -> str:
    """What a driver says whose working directory is `folder`, which Ray puts first on its workers' path."""
    script = place / "driver" / "driver.py"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    command = [sys.executable, "-P", str(script)]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=200, check=True)
    return done.stdout


@pytest.mark.slow
def test_a_worker_that_imports_other_files_is_refused(tmp_path: Path) -> None:
    assert in_folder(tmp_path).strip() == "the same"
    shutil.rmtree(tmp_path / "driver")
    other = Path(shutil.copytree(folder(), tmp_path / "selfplay", ignore=shutil.ignore_patterns("__pycache__")))
    with (other / "verifiers" / "errors.py").open("a") as file:
        file.write("\n")
    said = in_folder(tmp_path)
    assert f"imports `selfplay` from {other}" in said
    assert "start from a folder that holds no package of that name" in said
