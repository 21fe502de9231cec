"""A verifier as the reward function of TRL's trainers (GRPOTrainer, RLOOTrainer).

    from selfplay.verifiers.adapters.trl import reward_function

    trainer = GRPOTrainer(model, reward_funcs=reward_function("math"), train_dataset=dataset, ...)

The dataset has the columns `prompt` and `reference`. An undecided verdict gives None: TRL (1.16) keeps a completion
that no reward function could score out of its group's mean and gives it no advantage. What the trainer logs gains
`<name>/undecided` and `<name>/fault`, shares of the completions.
What is not covered: with several reward functions TRL adds up the others' rewards where this one gives None.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from pydantic import JsonValue

from selfplay.verifiers.adapters.columns import ReferenceColumns, last_message, message_text, read_reference
from selfplay.verifiers.adapters.lazy_supervisor import LazySupervisor, Limits, Reward, worth
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Row
from selfplay.verifiers.errors import BadSettings


class reward_function:
    """What TRL calls: prompts, completions and the dataset's columns in, a reward or None for each completion out.

    The verifier's workers start at once, so that a wrong name or setting is an error before the training.

    Args:
        verifier: a registered verifier or `path/to/file.py:name`, with its settings beside it; or a VerifierSpec.
        reference: the dataset's column that holds the reference, or a column for each of its keys.
        reward: `outcome`: 1.0 for accepted, 0.0 for rejected; `score`: the verdict's score where it has one.
    """

    def __init__(
        self,
        verifier: VerifierSpec | str,
        settings: Mapping[str, JsonValue] | None = None,
        *,
        reference: ReferenceColumns = "reference",
        reward: Reward = "outcome",
        **limits: Unpack[Limits],
    ) -> None:
        if reward not in typing.get_args(Reward):
            raise BadSettings(f"`reward` is outcome or score, not {reward!r}")
        spec = VerifierSpec.of(verifier, settings)
        self._judge = LazySupervisor(spec, **limits)
        self._judge.start()
        self._reference = reference
        self._reward = reward
        self.__name__ = spec.verifier.rpartition(":")[2]
        self.close = self._judge.close

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        *,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """Rewards in order; prompts and completions are texts or lists of chat messages. Raises as `read_reference`
        and `LazySupervisor.judge` do."""
        rows = []
        # TRL also passes its state and its own hooks by keyword
        per_row = {name: values for name, values in columns.items() if isinstance(values, list)}
        for place, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
            found = read_reference(self._reference, {name: values[place] for name, values in per_row.items()})
            rows.append(Row(str(place), found, last_message(completion), message_text(prompt)))
        verdicts = [judgement.verdict for judgement in self._judge.judge(rows)]
        if log_metric is not None and verdicts:
            undecided = sum(verdict.outcome == "undecided" for verdict in verdicts)
            log_metric(f"{self.__name__}/undecided", undecided / len(verdicts))
            log_metric(f"{self.__name__}/fault", sum(v.reason == "fault" for v in verdicts) / len(verdicts))
        return [worth(verdict, self._reward) for verdict in verdicts]
