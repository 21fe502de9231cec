"""`selfplay tasks list` and `show`: package, judge, origin, broken plugins with the reason, real problems."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def selfplay(*arguments: str, path: Path | None = None) -> str:
    environment = {**os.environ, "COLUMNS": "300", **({"PYTHONPATH": str(path)} if path else {})}
    command = [sys.executable, "-m", "selfplay", "tasks", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_list_names_package_judge_origin_and_end_and_what_is_broken(tmp_path: Path) -> None:
    info = tmp_path / "broken_plugin-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[selfplay.tasks]\nhalves = a_module_that_nobody_has:Halves\n")
    lines = {line.split()[0]: line.split() for line in selfplay("list", path=tmp_path).splitlines()}
    assert lines["gsm8k"][1:5] == ["selfplay-lab", "math", "human", "yes"]
    assert lines["countdown"][1:5] == ["selfplay-lab", "makes_number", "procedural", "no"]
    assert lines["dataset"][1:6] == ["selfplay-lab", "(a", "key)", "(a", "key)"]
    broken = " ".join(lines["halves"])
    assert broken.startswith("halves broken-plugin cannot be used: ")
    assert "a_module_that_nobody_has" in broken


def test_show_prints_keys_with_their_meaning_and_two_problems() -> None:
    shown = selfplay("show", "countdown")
    assert "Numbers to use. The dial of difficulty" in shown
    assert shown.count("procedural solution") == 2
    assert "judged by makes_number" in shown


def test_show_prints_a_key_of_a_type_that_json_has_not(tmp_path: Path) -> None:
    file = tmp_path / "odd.py"
    file.write_text(
        "from collections.abc import Callable\nfrom typing import ClassVar\n"
        "from selfplay.tasks.source import TaskSource\n\n\n"
        "class Odd(TaskSource):\n    name: ClassVar[str] = 'odd'\n    verifier: ClassVar[str] = 'math'\n"
        "    solution_origin: ClassVar[str] = 'procedural'\n    f: Callable[[int], int] = abs\n\n"
        "    def problems(self, split, seed):\n        return iter(())\n"
    )
    shown = selfplay("show", f"{file}:Odd")
    assert "collections.abc.Callable[[int], int]" in shown
    assert "<built-in function abs>" in shown


def test_show_of_a_held_out_source_shows_what_is_held_out(tmp_path: Path) -> None:
    row = {
        "task_id": "x",
        "prompt": "def f():\n",
        "entry_point": "f",
        "canonical_solution": "    return 1\n",
        "test": "t",
    }
    (tmp_path / "humaneval.jsonl").write_text(json.dumps(row))
    shown = selfplay("show", "humaneval", "--set", f"folder={tmp_path}")
    assert "evaluate, judged by code" in shown
    assert shown.count("human solution") == 1
