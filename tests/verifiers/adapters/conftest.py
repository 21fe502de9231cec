"""A verifier with all three outcomes, and environments of their own for stacks that cannot be in ours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FIRST_LETTER = '''
from pydantic import BaseModel

from verifiers import Verdict, verifier


class Reference(BaseModel):
    upto: str


@verifier(name="first_letter", version="1", reference=Reference)
def first_letter(reference, completion):
    """that the first character comes before another"""
    if completion == "raise":
        raise RuntimeError("out of order")
    if not completion or completion[0].islower():
        return Verdict.open("a small letter")
    verdict = Verdict.accept if completion[0] <= reference.upto else Verdict.reject
    return verdict(score=0.25)
'''


@pytest.fixture(scope="session")
def first_letter(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("plugin") / "first_letter.py"
    path.write_text(FIRST_LETTER)
    return f"{path}:first_letter"


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
