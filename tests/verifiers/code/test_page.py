"""The examples of docs/judge-code.md are judged as their ids say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfplay.verifiers.code import CodeVerifier
from selfplay.verifiers.contract.verifier import Asked

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "judge-code.md").read_text()
ROWS = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)]


@pytest.fixture(scope="module")
def verifier() -> Iterator[CodeVerifier]:
    made = CodeVerifier(CodeVerifier.Settings.model_validate({"sandbox": "process"}))
    yield made
    made.close()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_each_row_is_judged_as_it_says(
    row: dict[str, object], verifier: CodeVerifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = re.search(r"^```python\n# sums.py\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    (tmp_path / "sums.py").write_text(found[1])
    monkeypatch.chdir(tmp_path)
    verdict = verifier.verify(Asked(CodeVerifier.Reference.model_validate(row["reference"]), str(row["completion"])))
    assert f"{verdict.outcome} {verdict.reason}".startswith(str(row["id"])), verdict


def test_the_page_has_an_example_of_each_form() -> None:
    assert len(ROWS) == 8
    for word in ("tests", "cases", "prefix", "judge", "tolerance"):
        assert any(word in row["reference"] for row in ROWS)
