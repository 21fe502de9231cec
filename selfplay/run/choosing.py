"""From the samples of an arm's generation to what its filter keeps of them, with a row of `choices` for each.

Choices are written once and found again, so a resumed run keeps what it kept. What an engine failed to write is in no
group. A filter that raises, or leaves a sample without a choice, stops the run with a sentence; its own time and memory
are not limited: it runs in the driver.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any

from selfplay.errors import ConfigError, RunError
from selfplay.experiment.judges import judge_of
from selfplay.experiment.run_plan import arm_filters
from selfplay.experiment.schema import Arm, Experiment
from selfplay.filters.group_filter import Candidate, Choice, Group
from selfplay.filters.registry import LoadedFilter
from selfplay.filters.same_answer import Consult, Reader, Unread
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import as_json
from selfplay.tasks.errors import error_text
from selfplay.tasks.plugins import absolute
from selfplay.verifiers.math.extraction import AnswerMode

PROBLEMS = 2048
"""Problems whose samples are in memory at the same time."""
SHOWN = 300
"""Characters of an answer in the evidence."""


class Chooser:
    """Applies the filters of an experiment's arms, for one seed."""

    def __init__(self, experiment: Experiment, ledger: Ledger, seed: int, consult: Consult) -> None:
        """`consult` asks the verifiers that read answers out; ConfigError: an arm's filter cannot be used."""
        self._experiment, self._ledger, self._seed, self._consult = experiment, ledger, seed, consult
        self._filters = arm_filters(experiment)

    def choose(self, arm: Arm, generation: int, drawn: Sequence[str], others: Sequence[str]) -> set[str]:
        """Those of the arm's samples that its filter keeps; `others` are samples of the arms in `with`.

        Raises:
            ConfigError: the filter needs log-probabilities that these samples do not have.
            RunError: the filter fails, or too many answers could not be read or compared.
        """
        sql = """
            SELECT id, problem_id FROM samples
            WHERE id IN (SELECT unnest(?)) AND finish_reason NOT IN ('refused', 'error')
        """
        wanted = dict(self._ledger.rows(sql, [list(drawn)]))
        sql = "SELECT sample_id, kept FROM choices WHERE seed = ? AND arm = ? AND generation = ?"
        kept = dict(self._ledger.rows(sql, [self._seed, arm.name, generation]))
        if not wanted.keys() <= kept.keys():
            problems, all_ids = sorted(set(wanted.values())), sorted({*drawn, *others})
            loaded = self._filters[arm.name]
            reader = Reader(self._consult, self._mode(loaded))
            decided: list[dict[str, Any]] = []
            for start in range(0, len(problems), PROBLEMS):
                groups = self._groups(problems[start : start + PROBLEMS], all_ids, wanted)
                decided += self._decide(arm.name, loaded, groups, reader)
            self._check_faults(reader, loaded.plugin.name)
            place = {"seed": self._seed, "arm": arm.name, "generation": generation}
            self._ledger.record("choices", [place | row for row in decided])
            kept = {row["sample_id"]: row["kept"] for row in decided} | kept
        return {sample_id for sample_id in wanted if kept[sample_id]}

    def _groups(self, problems: Sequence[str], ids: Sequence[str], own: Collection[str]) -> list[Unread]:
        sql = """
            SELECT p.id, p.prompt, p.verifier, s.id, s.completion, s.model, s.finish_reason, s.mean_logprob
            FROM samples s JOIN problems p ON p.id = s.problem_id
            WHERE p.id IN (SELECT unnest(?)) AND s.id IN (SELECT unnest(?))
                  AND s.finish_reason NOT IN ('refused', 'error') ORDER BY p.id, s.id
        """
        rows = self._ledger.rows(sql, [list(problems), list(ids)])
        found = []
        for (problem_id, prompt, verifier), of_problem in groupby(rows, key=lambda row: row[:3]):
            candidates = [
                Candidate(i, text, model, i in own, truncated=finish == "length", mean_logprob=logprob)
                for *_, i, text, model, finish, logprob in of_problem
            ]
            found.append(Unread(problem_id, prompt, absolute(verifier) == "math", candidates))
        return found

    def _decide(self, arm: str, loaded: LoadedFilter, groups: Sequence[Unread], reader: Reader) -> list[dict[str, Any]]:
        """Rows of `choices`, without their place in the run."""
        plugin = loaded.plugin
        read: dict[str, Candidate] = {}
        if plugin.compares != "nothing":
            read = reader.read(groups, classes=plugin.compares == "classes")
        rows: list[dict[str, Any]] = []
        for unread in groups:
            samples = [read.get(candidate.id, candidate) for candidate in unread.candidates]
            group = Group(unread.problem_id, unread.prompt, samples)
            if plugin.logprobs:
                self._check_logprobs(arm, plugin.name, group)
            votes = Counter(candidate.answer for candidate in group.own)
            answers = {candidate.id: candidate.answer for candidate in group.own}
            for choice in _choices(loaded, group):
                answer = answers[choice.id]
                detail: dict[str, Any] = {} if answer is None else {"answer": answer[:SHOWN]}
                if reader.undecided[group.problem_id]:
                    detail["undecided_pairs"] = reader.undecided[group.problem_id]
                row = {
                    "sample_id": choice.id,
                    "kept": choice.kept,
                    "reason": choice.reason,
                    "group_size": len(group.own),
                }
                row |= {"filter": plugin.name, "version": plugin.version, "settings_hash": loaded.settings_hash}
                row |= {"votes": None if answer is None else votes[answer]}
                rows.append(row | {"detail": as_json(detail | dict(choice.detail))})
        return rows

    def _mode(self, loaded: LoadedFilter) -> AnswerMode:
        """How answers are read out: as the filter's settings say, else as the math verifier of the samples does."""
        said = getattr(loaded.plugin.settings, "answer", None)
        if said is None:
            judge = judge_of(self._experiment, "math", "train")
            said = judge.settings.get("answer") if judge.verifier == "math" else None
        return "whole" if said == "whole" else "marked"

    def _check_faults(self, reader: Reader, name: str) -> None:
        faults = sum(reader.faults.values())
        allowed = self._experiment.resources.max_fault_share
        if faults > allowed * reader.asked:
            what, count = reader.faults.most_common(1)[0]
            raise RunError(
                f"filter {name}: {faults} of {reader.asked} questions about answers ended in a fault, more than the "
                f"{allowed:.1%} of `resources.max_fault_share`; most often ({count}) {what[:300]}. Repair the cause, "
                "then resume."
            )

    def _check_logprobs(self, arm: str, name: str, group: Group) -> None:
        missing = next((c for c in group.own if c.mean_logprob is None), None)
        if missing is None:
            return
        engine = self._experiment.engine
        why = f"the server at {engine.url} does not tell them" if engine.kind == "server" else "its engine told none"
        raise ConfigError(
            f"arm `{arm}`: filter {name} needs log-probabilities, and sample {missing.id} has none ({why}); sample "
            "with vLLM or transformers in a new run, or take another filter"
        )


def _choices(loaded: LoadedFilter, group: Group) -> Sequence[Choice]:
    """The filter's choices, one for each of the arm's own samples."""
    name = loaded.plugin.name
    try:
        choices = list(loaded.plugin.choose(group))
    except Exception as error:
        raise RunError(
            f"filter {name} failed at problem {group.problem_id} ({error_text(error)}); repair it, then resume."
        ) from error
    wrong = next((choice for choice in choices if not isinstance(choice, Choice)), None)
    if wrong is not None:
        raise RunError(f"filter {name} returned {type(wrong).__name__} where a Choice is due; repair it, then resume.")
    if sorted(choice.id for choice in choices) != sorted(candidate.id for candidate in group.own):
        raise RunError(
            f"filter {name} did not give one choice for each of the arm's own samples of problem {group.problem_id}; "
            "repair it, then resume."
        )
    return choices
