"""Asking the code verifier for one verdict, and the pages of tests with right and wrong programs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from selfplay.verifiers.code import CodeVerifier
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked


def judge(verifier: CodeVerifier, program: str, **reference: Any) -> Verdict:
    return verifier.verify(Asked(CodeVerifier.Reference.model_validate(reference), program))


def rows(page: Path) -> dict[str, tuple[list[str], str, str | None]]:
    """For each heading of the page its tests, the right program and the wrong one."""
    found = {}
    for section in page.read_text().split("\n## ")[1:]:
        blocks = re.findall(r"^~~~ (\w+)\n(.*?)\n~~~$", section, re.MULTILINE | re.DOTALL)
        texts = {kind: [text for other, text in blocks if other == kind] for kind in ("tests", "right", "wrong")}
        found[section.partition("\n")[0]] = (texts["tests"], texts["right"][0], next(iter(texts["wrong"]), None))
    return found
