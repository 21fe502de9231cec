"""`VerifierSpec`, the one spelling of a verifier with its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from selfplay.verifiers import BadSettings, VerifierSpec


def test_a_name_is_a_spec_without_settings_and_a_spec_stays_as_it_is() -> None:
    spec = VerifierSpec.of("math")
    assert spec == VerifierSpec(verifier="math", settings={})
    assert VerifierSpec.of(spec) is spec


def test_settings_of_other_stacks_become_plain_json() -> None:
    assert VerifierSpec.of("code", {"packages": ("numpy",)}).settings == {"packages": ["numpy"]}


@pytest.mark.parametrize(
    ("verifier", "settings", "words"),
    [
        ("math", {"answer": object()}, "the settings of math are not JSON"),
        ("code", {"timeout": float("inf")}, "the settings of code are not JSON"),
        ("", {}, "`verifier`"),
        (VerifierSpec(verifier="math"), {"answer": "whole"}, "VerifierSpec of math has its own settings"),
    ],
)
def test_what_is_no_spec_is_one_sentence(verifier: Any, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSettings, match=words) as caught:
        VerifierSpec.of(verifier, settings)
    assert "\n" not in str(caught.value)


def test_files_are_named_absolutely_wherever_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").touch()
    monkeypatch.chdir(tmp_path)
    spec = VerifierSpec(verifier="not", settings={"of": {"verifier": "mine.py:judge"}}).absolute()
    assert spec.settings == {"of": {"verifier": f"{tmp_path}/mine.py:judge"}}
    assert VerifierSpec(verifier="mine.py:judge").absolute().verifier == f"{tmp_path}/mine.py:judge"


def test_equal_specs_have_one_key() -> None:
    one = VerifierSpec(verifier="code", settings={"timeout": 1, "memory_mb": 64})
    assert one.key == VerifierSpec(verifier="code", settings={"memory_mb": 64, "timeout": 1}).key
    assert one.key != VerifierSpec(verifier="code", settings={"timeout": 2, "memory_mb": 64}).key
