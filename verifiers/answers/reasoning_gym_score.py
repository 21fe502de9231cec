"""The `reasoning_gym` verifier: what reasoning-gym's own `score_answer` says of an answer.

    {"family": "chain_sum", "config": {}, "entry": {"question": "...", "answer": "12", "metadata": {...}}}

Only the full score 1 is accepted; any other is kept as the verdict's score. What is covered: an answer that makes the
scorer raise is unreadable, unless the entry's own answer misses the full score too, which is a fault. Families whose
scorer evaluates text as Python are refused (tasks/reasoning_gym.py). What is not covered: the scorers themselves; some
give the full score to several answers at once; see benchmarks/reasoning_gym_scorers.py.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from selfplay.tasks.errors import SourceError
from selfplay.tasks.reasoning_gym import check_family, family
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier
from selfplay.verifiers.errors import BadReference
from selfplay.verifiers.math.extraction import tagged

LONGEST = 100_000


class Entry(BaseModel):
    """One entry as their data sets give it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    question: str
    answer: str | None
    metadata: dict[str, JsonValue]


class ReasoningGymReference(BaseModel):
    """The entry that an answer is scored against."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    family: str
    config: dict[str, JsonValue] = {}
    """The keys that its data set was made with."""
    entry: Entry


class ReasoningGymSettings(BaseModel):
    """Settings of the verifier."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    answer: Literal["whole", "tagged"] = "whole"
    """`whole`: a completion without <answer> and </answer> is the answer; `tagged`: it has none."""


class ReasoningGymVerifier(Verifier):
    """Judges an answer to an entry of reasoning-gym by its family's own scorer."""

    name: ClassVar[str] = "reasoning_gym"
    version: ClassVar[str] = "1"
    judges: ClassVar[str] = "that reasoning-gym's own scorer gives the answer the full score"
    does_not_catch: ClassVar[str] = (
        "what the family's scorer does not: some take several answers at once, or words around one"
    )
    Reference: ClassVar[type[BaseModel]] = ReasoningGymReference
    Settings: ClassVar[type[BaseModel]] = ReasoningGymSettings

    def warm(self) -> None:
        check_family("chain_sum")

    def verify(self, asked: Asked) -> Verdict:
        reference: ReasoningGymReference = asked.reference
        answer = tagged(asked.completion)
        if answer is None and self.settings.answer == "whole":
            answer = asked.completion.strip()
        if not answer:
            return Verdict.reject("no_answer")
        if len(answer) > LONGEST:
            return Verdict.reject("too_large", why=f"an answer of {len(answer)} characters")
        try:
            check_family(reference.family)
        except SourceError as error:
            raise BadReference(str(error)) from None
        scorer = family(reference.family, 0, reference.config)
        entry = reference.entry.model_dump()
        evidence: dict[str, Any] = {"answer": answer[:300], "family": reference.family}
        try:
            score = float(scorer.score_answer(answer, entry))
        except MemoryError:
            raise
        except Exception as error:
            if not _accepts_its_own(scorer, entry):
                return Verdict.fault("the scorer does not accept the entry's own answer", **evidence)
            return Verdict.reject("unreadable_answer", **evidence, why=f"{type(error).__name__}: {error}"[:300])
        if score >= 1:
            return Verdict.accept("full_score", score=score, **evidence)
        return Verdict.reject("wrong_answer", score=score, **evidence)


def _accepts_its_own(scorer: Any, entry: dict[str, Any]) -> bool:
    """Whether the entry can be scored at all; one without an answer of its own is not to blame."""
    if entry["answer"] is None:
        return True
    try:
        return float(scorer.score_answer(entry["answer"], entry)) >= 1
    except Exception:
        return False
