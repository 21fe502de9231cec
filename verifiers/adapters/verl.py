"""A verifier as verl's `compute_score`.

    compute_score = score_function("math", reference_key="answer", undecided=0.0)

verl (0.9) has no reward that means "not known", so the score of an undecided verdict has to be given and has no
default. `undecided` beside the score, which verl logs, says how often it was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from pydantic import JsonValue

from selfplay.verifiers.adapters.columns import message_text, read_reference
from selfplay.verifiers.adapters.lazy_supervisor import LazySupervisor, Limits, Reward, worth
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Row
from selfplay.verifiers.errors import BadSettings


class score_function:
    """What verl's reward managers call: one completion in, its score out. Workers start at the first call, in each
    process that makes one.

    Args:
        verifier: a verifier's name, or a name for each `data_source` (then without `settings`).
        undecided: the score of a completion that was neither proved right nor shown wrong.
        reference_key: the key of the reference that `ground_truth` is the value of; None: it is the whole reference,
            as an object or as JSON text.
    """

    def __init__(
        self,
        verifier: str | Mapping[str, str],
        settings: Mapping[str, JsonValue] | None = None,
        *,
        undecided: float,
        reference_key: str | None = None,
        reward: Reward = "outcome",
        **limits: Unpack[Limits],
    ) -> None:
        if settings and not isinstance(verifier, str):
            raise BadSettings("`settings` belong to one verifier; name one, not one for each data source")
        self._verifiers = verifier
        names = {verifier} if isinstance(verifier, str) else set(verifier.values())
        self._judges = {name: LazySupervisor(VerifierSpec.of(name, settings), **limits) for name in names}
        self._undecided = undecided
        self._columns = {reference_key: "ground_truth"} if reference_key else "ground_truth"
        self._reward = reward
        self.__name__ = "compute_score"

    def __call__(
        self,
        data_source: str,
        solution_str: str,
        ground_truth: Any,
        extra_info: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> dict[str, float]:
        """`score`, and 1.0 or 0.0 for `accepted`, `undecided` and `fault`. Raises as `read_reference` and
        `LazySupervisor.judge` do, and BadSettings where no verifier is named for the data source."""
        prompt = (extra_info or {}).get("prompt")
        row = Row(
            str((extra_info or {}).get("index", "")),
            read_reference(self._columns, {"ground_truth": ground_truth}),
            solution_str,
            None if prompt is None else message_text(prompt),
        )
        verdict = self._judge(data_source).judge([row])[0].verdict
        score = worth(verdict, self._reward)
        return {
            "score": self._undecided if score is None else score,
            "accepted": float(verdict.outcome == "accepted"),
            "undecided": float(verdict.outcome == "undecided"),
            "fault": float(verdict.reason == "fault"),
        }

    def _judge(self, data_source: str) -> LazySupervisor:
        name = self._verifiers if isinstance(self._verifiers, str) else self._verifiers.get(data_source)
        if name is None:
            known = ", ".join(f"`{source}`" for source in self._verifiers)
            raise BadSettings(
                f"no verifier is named for the data source `{data_source}`; score_function has one for {known}"
            )
        return self._judges[name]

    def close(self) -> None:
        """End this process's workers now."""
        for judge in self._judges.values():
            judge.close()
