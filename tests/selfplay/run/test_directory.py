"""The run directory: where it cannot be, what a resumption records, and clocks."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from selfplay.errors import RunError
from selfplay.experiment.schema import Experiment
from selfplay.report.report_page import write_report
from selfplay.run import directory as run_directory
from selfplay.run.directory import RunDirectory

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody can write to, root included: a read-only bind mount."""
    place = tmp_path / "read-only"
    place.mkdir()
    mounted = subprocess.run(["mount", "--bind", str(place), str(place)], capture_output=True, check=False)
    if mounted.returncode == 0:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
    elif os.geteuid() == 0:
        pytest.skip("root may write everywhere, and nothing can be mounted here")
    else:
        place.chmod(0o555)
    yield place
    if mounted.returncode == 0:
        subprocess.run(["umount", str(place)], check=True)


def at(experiment: Experiment, output: Path) -> Experiment:
    return experiment.model_copy(update={"output": output})


def test_a_read_only_output_is_one_sentence(experiment: Experiment, read_only: Path) -> None:
    with pytest.raises(RunError, match=r"Cannot create the run directory .*: .*; set `output`\."):
        RunDirectory.create(at(experiment, read_only))


def test_an_output_that_is_a_file_is_one_sentence(experiment: Experiment, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="set `output`"):
        RunDirectory.create(at(experiment, tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "mine"


def test_a_read_only_run_cannot_be_resumed_and_says_so(experiment: Experiment, tmp_path: Path) -> None:
    run = RunDirectory.create(experiment)
    run.close()
    done = subprocess.run(["mount", "--bind", str(run.path), str(run.path)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(run.path)], check=True)
        with pytest.raises(RunError, match=r"Cannot write in .*; make the folder writable"):
            RunDirectory.resume(run.path, experiment)
    finally:
        subprocess.run(["umount", str(run.path)], check=True)


def test_two_drivers_on_one_run_are_refused(experiment: Experiment) -> None:
    run = RunDirectory.create(experiment)
    with pytest.raises(RunError, match="Another process is writing"):
        RunDirectory.resume(run.path, experiment)
    run.close()


def test_runs_of_one_instant_and_of_a_clock_that_went_back_get_folders_of_their_own(experiment: Experiment) -> None:
    runs = [RunDirectory.create(experiment) for _ in range(4)]
    assert len({run.path for run in runs}) == 4
    for run in runs:
        run.close()


def test_no_duration_and_no_id_comes_from_the_wall_clock() -> None:
    """Durations are of monotonic clocks; the wall clock names a run's folder and dates its environment, an audit and
    people's labels, no more."""
    used = set()
    for package in ("selfplay", "verifiers", "tasks"):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
                if re.fullmatch(
                    r"time\.(time|time_ns|localtime|ctime)|.*datetime\.(now|utcnow|today)|date\.today", called
                ):
                    used.add(str(file.relative_to(ROOT)))
    assert used == {"selfplay/run/directory.py", "selfplay/review/label_store.py", "verifiers/audit/audit.py"}


def test_other_versions_are_told_and_recorded(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDirectory.create(experiment)
    run.close()
    file = run.path / "environment.json"
    first = json.loads(file.read_text())
    same = RunDirectory.resume(run.path, experiment)
    same.close()
    assert same.notices == []
    began = run_directory.environment

    def newer() -> dict[str, object]:
        now = began()
        return {**now, "packages": {**now["packages"], "torch": "99.0"}, "code": {**now["code"], "tasks": "other"}}

    monkeypatch.setattr(run_directory, "environment", newer)
    resumed = RunDirectory.resume(run.path, experiment)
    resumed.close()
    (notice,) = resumed.notices
    assert f"torch was {first['packages']['torch']} and is 99.0" in notice
    assert "code of tasks was" in notice
    recorded = json.loads(file.read_text())
    assert recorded["packages"] == first["packages"]
    assert [entry["packages"]["torch"] for entry in recorded["resumed"]] == [first["packages"]["torch"], "99.0"]
    again = RunDirectory.resume(run.path, experiment)
    again.close()
    assert again.notices == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "environment.json: input should be a valid dictionary;"),
        ('{"packages": 3}', "environment.json: `packages` input should be"),
        ('{"resumed": {"a": 1}}', "environment.json: `resumed` input should be a valid list"),
        ('{"resumed": [3]}', "environment.json: `resumed` `0` input should be"),
        ("{", "environment.json (Expecting"),
    ],
)
def test_a_record_of_versions_in_another_form_is_one_sentence(
    experiment: Experiment, tmp_path: Path, content: str, words: str
) -> None:
    run = RunDirectory.create(at(experiment, tmp_path))
    run.close()
    (run.path / "environment.json").write_text(content)
    for use in (lambda: RunDirectory.resume(run.path, run.experiment), lambda: write_report(run.path)):
        with pytest.raises(RunError) as refused:
            use()
        assert words in str(refused.value)
        assert "restore it, or delete it" in str(refused.value)
    assert (run.path / "environment.json").read_text() == content


def test_a_run_killed_as_it_began_is_resumed_or_says_what_to_do(experiment: Experiment, tmp_path: Path) -> None:
    run = RunDirectory.create(at(experiment, tmp_path))
    run.close()
    (run.path / "environment.json").unlink()
    RunDirectory.resume(run.path, run.experiment).close()
    recorded = json.loads((run.path / "environment.json").read_text())
    assert recorded["lost"]
    assert recorded["packages"] == recorded["resumed"][0]["packages"]
    (run.path / "experiment.yaml").unlink()
    with pytest.raises(RunError, match="start it again without --resume"):
        RunDirectory.resume(run.path, run.experiment)


def test_a_run_from_before_a_key_existed_is_resumed_with_its_default(experiment: Experiment) -> None:
    run = RunDirectory.create(experiment)
    run.close()
    file = run.path / "experiment.yaml"
    older = yaml.safe_load(file.read_text())
    for key in ("warn_when", "stop_when", "rollback"):
        del older[key]
    del older["evaluate"]["validation"], older["resources"]["max_fault_share"], older["arms"][0]["pool"]
    file.write_text(yaml.safe_dump(older))
    RunDirectory.resume(run.path, experiment).close()
    asked = experiment.model_copy(
        update={"resources": experiment.resources.model_copy(update={"max_fault_share": 0.5})}
    )
    with pytest.raises(RunError, match=r"`resources\.max_fault_share` was 0\.01 and is now 0\.5"):
        RunDirectory.resume(run.path, asked)


def test_a_run_with_a_key_that_this_version_lacks_names_it(experiment: Experiment) -> None:
    run = RunDirectory.create(experiment)
    run.close()
    file = run.path / "experiment.yaml"
    file.write_text(file.read_text() + "of_the_future: 1\n")
    with pytest.raises(RunError, match=r"unknown key `of_the_future`.*the version of selfplay that wrote it"):
        RunDirectory.resume(run.path, experiment)
