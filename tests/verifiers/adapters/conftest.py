"""A verifier with all three outcomes."""

from __future__ import annotations

import pytest

FIRST_LETTER = '''
from pydantic import BaseModel

from selfplay.verifiers import Verdict, verifier


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
