"""Resuming with other weights, problems or judges than the run began with, each changed on disk between two drivers."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from selfplay.errors import RunError
from selfplay.experiment.schema import Experiment
from selfplay.ledger.digest import digest
from selfplay.ledger.ledger import Ledger
from selfplay.models.folders import ModelInit, create, fingerprint
from selfplay.run.directory import RunDirectory

pytestmark = pytest.mark.slow
CarryOut = Callable[[RunDirectory], str]
INIT = ModelInit(hidden_size=32, layers=1, heads=1, context=128)


VERIFIER = """
from selfplay.verifiers import Verdict, verifier

@verifier(name="lenient", version="VERSION")
def lenient(reference, completion):
    return Verdict.RESULT
"""


@dataclass(frozen=True)
class Begun:
    """A run of generation 0 alone, over files of ours that a test may change; it puts them back."""

    directory: RunDirectory
    folder: Path
    carry_out: CarryOut

    def resume(self) -> str:
        """Continue the run as a new process would; returns what was printed."""
        for name in [name for name in sys.modules if name.startswith("verifier_file_")]:
            del sys.modules[name]
        return self.carry_out(RunDirectory.resume(self.directory.path, self.directory.experiment))

    def digest(self) -> str:
        return digest(Ledger(self.directory.ledger_path)).total


def begin(folder: Path, carry_out: CarryOut, **changes: Any) -> Begun:
    for name, count in (("train", 7), ("test", 4)):
        lines = [json.dumps({"question": f"{name} {i} + 1?", "answer": f"It is.\n#### {i + 1}"}) for i in range(count)]
        (folder / f"gsm8k_{name}.jsonl").write_text("\n".join(lines))
    write_verifier(folder, "1", 'reject("no")')
    data = {
        "name": "short",
        "output": str(folder / "runs"),
        "generations": 0,
        "model": {"path": str(create(INIT, folder / "start", 0))},
        "engine": {"kind": "transformers"},
        "tasks": [{"source": "gsm8k", "folder": str(folder), "examples": 4, "problems": 2}],
        "verify": {f"{folder}/plugin.py:lenient": {}},
        "sampling": {"n": 1, "max_tokens": 8},
        "distill": {"steps": 1},
        "evaluate": {"problems": 2},
        "arms": [{"name": "human-only", "data": "human"}],
    }
    directory = RunDirectory.create(Experiment.model_validate(data | changes))
    carry_out(directory)
    return Begun(directory, folder, carry_out)


def write_verifier(folder: Path, version: str, result: str) -> None:
    (folder / "plugin.py").write_text(VERIFIER.replace("VERSION", version).replace("RESULT", result))


@pytest.fixture(scope="module")
def begun(carry_out: CarryOut, tmp_path_factory: pytest.TempPathFactory) -> Begun:
    return begin(tmp_path_factory.mktemp("begun"), carry_out)


def test_another_starting_model_is_refused_with_both_fingerprints(begun: Begun) -> None:
    folder, before = begun.folder / "start", begun.digest()
    then = fingerprint(folder)
    folder.rename(folder.with_name("aside"))
    now = fingerprint(create(INIT, folder, 1))
    with pytest.raises(RunError, match=rf"{folder} held the weights {then} when this run began and holds {now} now"):
        begun.resume()
    assert begun.digest() == before
    shutil.rmtree(folder)
    folder.with_name("aside").rename(folder)
    begun.resume()
    assert begun.digest() == before


def test_edited_initial_weights_are_refused_with_both_fingerprints(carry_out: CarryOut, tmp_path: Path) -> None:
    model = {"init": INIT.model_dump(), "generation_0": "as-is"}
    begun = begin(tmp_path, carry_out, model=model)
    folder = begun.directory.path / "models" / "0" / "initial"
    then = fingerprint(folder)
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(RunError, match=f"models/0/initial held the weights {then} .* holds {fingerprint(folder)} now"):
        begun.resume()


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_changed_data_file_is_refused_with_its_source(begun: Begun, part: str) -> None:
    file = begun.folder / f"gsm8k_{part}.jsonl"
    original, before = file.read_text(), begun.digest()
    file.write_text(original.replace("3 + 1?", "1 + 3?"))  # the same length, the same answer
    with pytest.raises(RunError, match="The task source `gsm8k` gave other problems when this run began"):
        begun.resume()
    file.write_text(original)
    assert begun.digest() == before


def test_another_version_of_a_judge_is_refused_and_changed_code_is_told(begun: Begun) -> None:
    write_verifier(begun.folder, "1", 'reject("never")')
    said = begun.resume()
    assert f"The code of verifier {begun.folder}/plugin.py:lenient was" in said
    assert "starting-point.json" in said
    assert "The code of" not in begun.resume(), "told once"
    write_verifier(begun.folder, "2", "accept()")
    with pytest.raises(RunError, match=r":lenient` was version 1 when this run began and is 2 now"):
        begun.resume()
    write_verifier(begun.folder, "1", 'reject("no")')
