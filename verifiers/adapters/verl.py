"""A verifier as verl's `compute_score`.

    # reward.py
    from selfplay.verifiers.adapters.verl import score_function

    compute_score = score_function("math", reference_key="answer", undecided=0.0)

    python -m verl.trainer.main_ppo ... reward.custom_reward_function.path=reward.py

verl (0.9) has no reward that means "not known": every completion gets a number. So the score of an undecided verdict
must be given and has no default; `undecided` beside the score, which verl logs, says how often it was given.
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

EVERY_SOURCE = None
"""The key of the judge for every data source."""


class score_function:
    """What verl's reward managers call: one completion in, its score out. Workers start at the first call, in each
    process that makes one.

    Args:
        verifier: a verifier's name, or a name for each `data_source`.
        settings: of the verifier; with several verifiers, none can be given.
        undecided: the score of a completion that was neither proved right nor shown wrong.
        reference_key: the key of the reference that `ground_truth` is the value of; None: it is the whole reference,
            as an object or as JSON text.
        reward, limits: as for `selfplay.verifiers.adapters.trl.reward_function`.

    Raises:
        BadSettings: settings for more than one verifier.
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
        names: dict[str | None, str] = dict(
            [(EVERY_SOURCE, verifier)] if isinstance(verifier, str) else verifier.items()
        )
        judges = {name: LazySupervisor(VerifierSpec.of(name, settings), **limits) for name in set(names.values())}
        self._judges = {source: judges[name] for source, name in names.items()}
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
        """`score`, and 1.0 or 0.0 for `accepted`, `undecided` and `fault`.

        Raises:
            BadSettings: no verifier is named for the data source.
            BadReference, TooManyFaults, BrokenVerifier: see `selfplay.verifiers.adapters.trl`.
        """
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
        judge = self._judges.get(EVERY_SOURCE) or self._judges.get(data_source)
        if judge is None:
            known = ", ".join(f"`{source}`" for source in self._judges)
            raise BadSettings(
                f"no verifier is named for the data source `{data_source}`; score_function has one for {known}"
            )
        return judge

    def close(self) -> None:
        """End this process's workers now rather than with the process."""
        for judge in self._judges.values():
            judge.close()
