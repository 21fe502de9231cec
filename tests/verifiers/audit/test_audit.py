"""The audit measures what is known: verifiers whose error rates follow from how they are written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from selfplay.tasks.intervals import Share, percentile, wilson
from selfplay.verifiers.audit import corpus
from selfplay.verifiers.audit.audit import Audit, Plan, audit
from selfplay.verifiers.audit.corpus import NamedSource
from selfplay.verifiers.audit.record import find, of_version, store
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.errors import BadAudit, BadFile

MATH = VerifierSpec(verifier="math", settings={"answer": "whole"})
CARELESS = '''
import itertools
from selfplay.verifiers import Verdict, verifier

@verifier(name="careless", version="1")
def careless(reference, completion):
    """whether the reference's first digit occurs"""
    if completion == "boom":
        raise RuntimeError("boom")
    return Verdict.accept() if reference["answer"][0] in completion else Verdict.reject("missing")

count = itertools.count()

@verifier(name="moody", version="1")
def moody(reference, completion):
    """nothing"""
    return Verdict.accept() if next(count) % 2 else Verdict.reject("mood")
'''


@pytest.fixture(scope="module")
def math_audit() -> Audit:
    return audit(Plan(MATH, [NamedSource("polynomials")], problems=5, second=VerifierSpec(verifier="exact")))


def test_math_is_right_on_polynomials_and_no_attack_passes(math_audit: Audit) -> None:
    record = math_audit.record
    assert record.total("right").accepted == record.total("right").rows == 5
    assert record.total("wrong").rows > 30
    assert record.total("wrong").accepted == 0
    assert record.total("wrong", attacks=True).rows > 100
    assert record.total("wrong", attacks=True).accepted == 0
    assert {one.origin for one in record.categories} == {"procedural", "our own"}
    assert record.again.rows > 30
    assert len(record.again.differing) == 4
    assert sum(record.again.differing.values()) == 0
    assert 0 < record.speed.p50_ms <= record.speed.p99_ms <= record.speed.longest_ms
    assert record.memory_mb is not None
    assert 20 < record.memory_mb < 2048


def test_a_second_verifier_is_compared_row_by_row(math_audit: Audit) -> None:
    second = math_audit.record.second
    assert second is not None
    assert second.name == "exact"
    differing = [one for one in math_audit.rows if one.disagrees]
    assert second.rows - second.agree == len(differing)
    # solutions with rising powers are equal by algebra and not as text
    assert second.only_first_accepts == sum(one.outcome == "accepted" for one in differing)


def test_error_rates_of_a_careless_verifier(tmp_path: Path) -> None:
    (tmp_path / "careless.py").write_text(CARELESS)
    rows = [("a", "7", "right"), ("b", "8", "right"), ("c", "70", "wrong"), ("d", "71", "wrong"), ("e", "6", "wrong")]
    rows.append(("f", "boom", "wrong"))
    given = tmp_path / "rows.jsonl"
    given.write_text(
        "".join(
            json.dumps({"id": key, "reference": {"answer": "7"}, "completion": text, "label": label}) + "\n"
            for key, text, label in rows
        )
    )
    record = audit(Plan(VerifierSpec(verifier=f"{tmp_path}/careless.py:careless"), labelled=given)).record
    right, wrong = record.total("right"), record.total("wrong")
    assert (right.accepted, right.rejected) == (1, 1)
    assert (wrong.accepted, wrong.rejected, wrong.undecided, wrong.faults) == (2, 1, 1, 1)
    assert "labelled" in record.asked
    moody = audit(Plan(VerifierSpec(verifier=f"{tmp_path}/careless.py:moody"), labelled=given)).record
    assert max(moody.again.differing.values()) > 0
    assert moody.again.examples


@pytest.mark.slow
def test_code_is_tried_with_the_hostile_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every seventh; with all in `make test-long`, and in code/test_attacks.py at every level of the sandbox."""
    programs = corpus.attacks()
    assert len(programs) > 300
    tried = programs if "SELFPLAY_LONG" in os.environ else programs[::7]
    monkeypatch.setattr(corpus, "attacks", lambda: tried)
    spec = VerifierSpec(verifier="code", settings={"timeout": 1, "memory_mb": 128})
    record = audit(Plan(spec, problems=2, workers=2)).record
    attacks = record.total("wrong", attacks=True)
    assert attacks.rows == len(tried)
    assert (attacks.accepted, attacks.faults) == (0, 0)
    # two problems of each procedural source that the code verifier judges
    assert record.total("right").accepted == record.total("right").rows == 4
    assert record.total("doubtful").rows > 0
    assert record.sandbox


def test_bad_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadAudit, match="nothing to audit json_schema on"):
        audit(Plan(VerifierSpec(verifier="json_schema")))
    with pytest.raises(BadAudit, match="does not fit the code verifier"):
        audit(Plan(VerifierSpec(verifier="code"), sources=[NamedSource("polynomials")], problems=1))


def test_a_record_is_found_by_name_version_and_settings(
    math_audit: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELFPLAY_AUDITS", str(tmp_path))
    record = math_audit.record
    path = store(record)
    assert path.parent == tmp_path
    assert find(record.verifier, record.version, record.settings_hash) == record
    assert find(record.verifier, record.version + "0", record.settings_hash) is None
    assert list(of_version("math", record.version)) == [record]
    assert not list(of_version("mat", record.version))
    path.write_text("{}")
    with pytest.raises(BadFile, match="remove it, or audit again"):
        find(record.verifier, record.version, record.settings_hash)


def test_statistics() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857, table I: 15 of 148 by Wilson's score method
    low, high = wilson(15, 148)
    assert (round(low, 4), round(high, 4)) == (0.0624, 0.1605)
    assert Share.of(0, 0).value is None
    assert [percentile([4, 1, 3, 2], share) for share in (0.25, 0.5, 0.99)] == [1, 2, 4]
