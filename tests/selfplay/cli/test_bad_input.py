"""Bad input, as a person meets it: one sentence with the remedy, exit code 2, nothing written."""

from __future__ import annotations

import json
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from selfplay.cli.app import app
from selfplay.cluster import connection
from selfplay.cluster.connection import Cluster
from selfplay.errors import RunError
from selfplay.experiment.experiment_file import load_experiment
from selfplay.ledger.ledger import Ledger
from selfplay.models import folders as models
from selfplay.models.folders import ModelInit

TINY = ModelInit(hidden_size=32, layers=1, heads=1, context=128)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.create(TINY, tmp_path_factory.mktemp("model") / "tiny", 0)


@pytest.fixture
def spoilt(model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model, tmp_path / "spoilt"))


def refused(config: Path, *arguments: str) -> str:
    """The sentence of a run that does not begin."""
    before = sorted(config.parent.rglob("*"))
    done = CliRunner().invoke(app, ["run", str(config), *arguments])
    assert done.exit_code == 2, done.output
    assert isinstance(done.exception, SystemExit)
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert sorted(config.parent.rglob("*")) == before, "nothing was written"
    return done.stderr.strip()


def written(tmp_path: Path, data: dict[str, Any] | bytes) -> Path:
    file = tmp_path / "config.yaml"
    file.write_bytes(data if isinstance(data, bytes) else yaml.safe_dump(data).encode())
    return file


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name: a\nname: b\n", "the key `name` appears twice, again in line 2"),
        (b"name: a\nsampling:\n  n: 1\n  n: 2\n", "the key `n` appears twice, again in line 4"),
        (b"name: [a\n", "is not valid YAML"),
        (b"name: \xff\xfe\n", "is not UTF-8 at byte 6; save it as UTF-8"),
        (b"- a\n- b\n", "must hold keys and values"),
        (b"", "must hold keys and values"),
        (b"name: !!python/object/apply:os.system [ls]\n", "is not valid YAML"),
        (b"a: " + b"[" * 5000, "is not valid YAML"),
    ],
    ids=["a key twice", "an inner key twice", "torn", "not UTF-8", "a list", "empty", "a Python object", "deep"],
)
def test_an_unreadable_config_is_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in refused(written(tmp_path, content), "--dry-run")


def test_yaml_may_merge_and_repeat_a_key_in_another_mapping(tiny: dict[str, Any], tmp_path: Path) -> None:
    file = written(tmp_path, tiny)
    file.write_text(file.read_text() + "resources: &r {max_fault_share: 0.5}\n")
    assert load_experiment(file).resources.max_fault_share == 0.5


def test_a_folder_in_place_of_the_config_is_one_sentence(tmp_path: Path) -> None:
    assert "Cannot read" in refused(tmp_path)


def test_a_branch_of_a_union_is_named_as_a_person_would(tiny: dict[str, Any], tmp_path: Path) -> None:
    tiny["arms"][1]["keep"] = "sometimes"
    assert "`arms[1].keep` is 'sometimes': input should be 'all' or 'verified'" in refused(written(tmp_path, tiny))
    tiny["arms"][1]["keep"] = {"random_as_many": "verified"}
    sentence = refused(written(tmp_path, tiny))
    assert "unknown key `arms[1].keep.random_as_many`; did you mean `arms[].keep.random_as_many_as`?" in sentence


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"a[b]": 1}, "unknown key `a[b]`"),
        ({"str": 1}, "unknown key `str`"),
        ({"Arm": 1}, "unknown key `Arm`"),
        ({"keep": {"RandomSubset": 1}}, "unknown key `arms[1].keep.RandomSubset`"),
        ({"keep": {"filter": 3}}, "`arms[1].keep.filter` is 3: input should be a valid string"),
        ({"keep": {"filter": "majority", "with": 3}}, "`arms[1].keep.with` is 3: input should be a valid list"),
        ({"keep": {}}, "the key `arms[1].keep.random_as_many_as` is missing"),
        ({"verify": {"math": {"n": {"accepts": date(2026, 1, 1)}}}}, "`verify.math.n.accepts` is datetime.date"),
        ({"verify": {"math": {"n": {"dict": {"a": float("nan")}}}}}, "`verify.math.n.dict.a` is nan"),
        ({"verify": {"math": {1: 2}}}, "`verify.math.1` is 1: input should be a valid string"),
        ({None: 2}, "a key is None, which is no text; put it in quotes or remove it"),
        ({"seeds": {}}, "`seeds` is {}: input should be a valid list"),
    ],
)
def test_a_key_is_named_as_the_file_has_it(
    tiny: dict[str, Any], tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    """Pydantic's places hold names of a union's branches, which a key may be called too."""
    if "keep" in change:
        tiny["arms"][1]["keep"] = change["keep"]
    else:
        tiny |= change
    assert words in refused(written(tmp_path, tiny))


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_an_output_that_can_be_no_path_is_one_sentence(tiny: dict[str, Any], tmp_path: Path, name: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({**tiny, "output": name}))
    assert "`output`: no path may hold a NUL or half a surrogate pair" in refused(file)


@pytest.mark.parametrize("long", ["a" * 300, "a/" * 3000])
def test_a_path_that_is_too_long_is_one_sentence(tiny: dict[str, Any], tmp_path: Path, long: str) -> None:
    words = "characters) is too long; give a shorter one"
    assert words in refused(written(tmp_path, {**tiny, "output": long}))
    assert words in refused(written(tmp_path, {**tiny, "model": {"path": long}}))
    assert words in refused(written(tmp_path, tiny), "--resume", long)
    for verb in (["report"], ["compare"], ["ledger", "check"], ["ledger", "digest"]):
        done = CliRunner().invoke(app, [*verb, long])
        assert (done.exit_code, words in done.stderr) == (2, True), (verb, done.output)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_an_output_that_cannot_be_written_is_one_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "selfplay", "schema"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("selfplay: Cannot write: No space left on device; make room, or send")
    assert len(done.stderr.splitlines()) == 1


def test_a_closed_output_is_no_fault() -> None:
    command = ["bash", "-c", f"exec 1>&-; {sys.executable} -m selfplay.cli.app schema"]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_verifier_ends_its_sentence(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.touch()
    done = CliRunner().invoke(app, ["verify", "qqq", "--input", str(rows), "--output", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "there is no verifier `qqq`. Known: " in done.stderr


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "tokenizer.json").unlink(), "has no tokenizer"),
        (lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), "convert them to safetensors"),
        (lambda f: (f / "config.json").unlink(), "no config.json"),
        (lambda f: (f / "config.json").write_text("{"), "config.json is not JSON"),
        (lambda f: (f / "tokenizer.json").write_text("{"), "tokenizer.json is not JSON"),
        (lambda f: (f / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"[]"), "write or fetch it again"),
        (lambda f: (f / "model.safetensors").write_bytes(b"\0" * 4), "cut off"),
    ],
    ids=["no tokenizer", "a pickle", "no config", "torn config", "torn tokenizer", "bad header", "cut off"],
)
def test_a_model_folder_that_cannot_be_used(tiny: dict[str, Any], spoilt: Path, spoil: Any, words: str) -> None:
    spoil(spoilt)
    tiny["model"] = {"path": str(spoilt)}
    assert words in refused(written(spoilt.parent, tiny))


@pytest.mark.parametrize(
    "line",
    ['{"answer": "#### 4"}', '{"question": null, "answer": "#### 4"}', '{"question": "  ", "answer": "#### 4"}', "{"],
    ids=["no prompt", "null", "blank", "torn"],
)
def test_a_row_without_a_prompt_is_named_with_file_and_line(tiny: dict[str, Any], tmp_path: Path, line: str) -> None:
    rows = [json.dumps({"question": f"{at} + 1?", "answer": f"#### {at + 1}"}) for at in range(40)]
    (tmp_path / "gsm8k_test.jsonl").write_text("\n".join(rows))
    (tmp_path / "gsm8k_train.jsonl").write_text("\n".join([*rows[:6], line, *rows[6:]]))
    tiny["tasks"] = [{"source": "gsm8k", "folder": str(tmp_path), "problems": 4}]
    tiny["verify"] = {}
    sentence = refused(written(tmp_path, tiny))
    assert "gsm8k_train.jsonl, line 7" in sentence
    assert "repair or remove" in sentence


def test_an_output_that_is_a_file_is_one_sentence(tiny: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    assert "set `output`" in refused(written(tmp_path, {**tiny, "output": str(tmp_path / "taken")}))


def test_an_address_without_ray_is_told_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(RunError, match="nothing answers there"), Cluster("127.0.0.1:9"):
        raise AssertionError("connected")
    assert time.monotonic() - began < 10


@pytest.mark.slow
def test_an_address_of_something_else_is_told_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ANSWERS_WITHIN", 1.5)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(5)
        with (
            pytest.raises(RunError, match=r"not Ray.*check `--ray-address`"),
            Cluster(f"127.0.0.1:{other.getsockname()[1]}"),
        ):
            raise AssertionError("connected")


@pytest.mark.slow
def test_a_local_run_finds_another_port_where_rays_own_is_taken() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", 6379))
        except OSError:
            pass  # taken already, which is as good
        else:
            other.listen(5)
        with Cluster() as cluster:
            assert cluster.cpus >= 1


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB, to be filled in the middle of a run."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.slow
def test_a_disk_that_fills_in_the_middle_stops_cleanly_and_the_run_goes_on(
    tiny: dict[str, Any], disk: Path, tmp_path: Path
) -> None:
    tiny |= {"output": str(disk / "runs"), "arms": tiny["arms"][:1], "generations": 0}
    config = written(tmp_path, tiny)
    command = [sys.executable, "-m", "selfplay", "run", str(config)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 200
    while not list(disk.glob("runs/tiny/*/models/0/initial")):
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        try:
            while ballast.write(b"\0" * 4096):
                pass
        except OSError:
            ballast.close()
    out, err = running.communicate(timeout=300)
    assert running.returncode == 2, out + err
    assert "Traceback" not in err, err
    assert "No room is left on the disk" in out + err
    (disk / "ballast").unlink()
    (run,) = disk.glob("runs/tiny/*")
    done = subprocess.run([*command, "--resume", str(run)], capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert Ledger(run / "ledger").rows("SELECT count(*), count(DISTINCT id) FROM samples")[0][0] > 0
