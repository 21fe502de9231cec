"""A verifier as a metric of EleutherAI's lm-evaluation-harness; docs/used-elsewhere.md has the task's YAML file.

    from selfplay.verifiers.adapters.lm_eval import process_results_with

    process_results = process_results_with("math", reference={"answer": "answer"})

The accuracy lies between `accepted` and `accepted_or_undecided`. Where a document has several responses (`repeats`
with a filter that keeps them all), each metric is their mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from pydantic import JsonValue

from selfplay.verifiers.adapters.columns import ReferenceColumns, read_reference
from selfplay.verifiers.adapters.lazy_supervisor import LazySupervisor, Limits
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Row


class process_results_with:
    """The function for `process_results`: a document and its responses in, a value for each metric out. Workers start
    at its first call, and end with the process or by `close`.

    Args:
        verifier: a registered verifier or `path/to/file.py:name`, with its settings beside it; or a VerifierSpec.
        reference: the document's field that holds the reference, or a field for each of its keys.
        prompt: the document's field that holds the prompt, for a verifier that reads it.
    """

    def __init__(
        self,
        verifier: VerifierSpec | str,
        settings: Mapping[str, JsonValue] | None = None,
        *,
        reference: ReferenceColumns = "reference",
        prompt: str | None = None,
        **limits: Unpack[Limits],
    ) -> None:
        self._judge = LazySupervisor(VerifierSpec.of(verifier, settings), **limits)
        self._reference = reference
        self._prompt = prompt
        self.__name__ = "process_results"
        self.close = self._judge.close

    def __call__(self, doc: Mapping[str, Any], results: Sequence[str | Sequence[str]]) -> dict[str, float]:
        """`accepted`, `accepted_or_undecided` and `fault`, each from 0 to 1. Raises as `read_reference` and
        `LazySupervisor.judge` do."""
        responses = [text for one in results for text in ([one] if isinstance(one, str) else one)]
        found = read_reference(self._reference, doc)
        prompt = None if self._prompt is None else str(doc[self._prompt])
        rows = [Row(str(place), found, text, prompt) for place, text in enumerate(responses)]
        verdicts = [judgement.verdict for judgement in self._judge.judge(rows)]
        return {
            "accepted": sum(verdict.outcome == "accepted" for verdict in verdicts) / len(verdicts),
            "accepted_or_undecided": sum(verdict.outcome != "rejected" for verdict in verdicts) / len(verdicts),
            "fault": sum(verdict.reason == "fault" for verdict in verdicts) / len(verdicts),
        }
