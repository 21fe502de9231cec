"""The real `selfplay serve-verifiers` on a free port, and environments for stacks that cannot be in ours."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from selfplay.verifiers.serve.endpoints import TOKEN_VARIABLE

MOODS = '''
import os
import time

from selfplay.verifiers import Verdict, verifier


@verifier(name="moods", version="3")
def moods(reference, completion):
    """whatever the completion says"""
    if completion.startswith("sleep "):
        time.sleep(float(completion[6:]))
    if completion == "half a pair":
        return Verdict.reject("a\\ud800")
    if completion == "raise":
        raise RuntimeError("out of order")
    if completion == "die":
        os._exit(9)
    return Verdict.accept(score=0.5, said=completion[:100])
'''


class Running:
    """A service in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process = process
        self.address = address
        token = os.environ.get(TOKEN_VARIABLE)
        self.client = httpx.Client(
            base_url=address, timeout=60, headers={"Authorization": f"Bearer {token}"} if token else {}
        )

    def verify(self, verifier: str, *completions: str, **more: object) -> httpx.Response:
        rows = [{"id": str(n), "reference": {}, "completion": text} for n, text in enumerate(completions)]
        return self.client.post("/verify", json={"verifier": verifier, "rows": rows, **more})

    def end(self) -> tuple[int, str]:
        """Its exit status and all that it printed."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        said = self.process.stdout.read()
        return self.process.wait(), said


Serve = Callable[..., AbstractContextManager[Running]]


@pytest.fixture(scope="session")
def moods(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("plugin") / "moods.py"
    path.write_text(MOODS)
    return f"{path}:moods"


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Serve:
    folder: Path = tmp_path_factory.mktemp("serve")

    @contextlib.contextmanager
    def started(*arguments: str) -> Iterator[Running]:
        command = [sys.executable, "-m", "selfplay", "serve-verifiers", "--port", "0", *arguments]
        with subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            late = threading.Timer(200, process.kill)
            late.start()
            assert process.stdout is not None
            line = process.stdout.readline()
            while line and ", page at /docs" not in line:
                line = process.stdout.readline()
            late.cancel()
            assert line, process.wait()
            address = line.partition(", on ")[2].partition(",")[0].replace("0.0.0.0", "127.0.0.1")
            try:
                with (running := Running(process, address)).client:
                    yield running
            finally:
                process.kill()

    return started


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make an environment with these packages and give its Python; `over_ours`: it finds our packages too."""

    def make(*install: str, over_ours: bool) -> Path:
        folder = tmp_path_factory.mktemp("environment")
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", "--python", sys.executable, folder / "venv"], check=True, timeout=120)
        python = folder / "venv" / "bin" / "python"
        subprocess.run([*uv, "pip", "install", "-q", "--python", python, *install], check=True, timeout=500)
        if over_ours:
            places = [path for path in sys.path if path.endswith("site-packages")]
            (site,) = (folder / "venv" / "lib").glob("python3*/site-packages")
            # addsitedir reads our own .pth files as well, among them the one of the editable install
            lines = [f"import site; site.addsitedir({place!r})" for place in places]
            (site / "zz_beneath.pth").write_text("\n".join(lines) + "\n")
        return python

    return make
