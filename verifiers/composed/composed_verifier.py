"""What the composed verifiers share: their parts, asked about one completion or many at a time, and combined.

What is covered: a part that raises, or cannot read the reference, is a fault of that part, and the verdict is decided
where the other parts decide it. What is not covered: where a part kills or hangs the process, the whole verifier fails.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import BaseModel, Field, JsonValue

from selfplay.tasks.errors import error_text
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier, together
from selfplay.verifiers.errors import BadReference, VerifierError

SHOWN_PARTS = 8
"""Most parts whose verdicts are in the evidence."""


class Part(VerifierSpec):
    """One of the verifiers that a composed one is made of."""

    weight: float | None = Field(default=None, gt=0, le=1e6)
    """Its weight in the score; unset: it does not count there."""
    reference: str | None = Field(default=None, min_length=1)
    """Key of the reference that holds this part's own reference; unset: the whole reference."""


class Parts(BaseModel):
    """The settings of a verifier that is made of several."""

    model_config = VerifierSpec.model_config

    parts: tuple[Part, ...] = Field(min_length=1, max_length=32)
    """`{verifier, settings, weight, reference}` each, in the order in which they are asked."""


class Of(BaseModel):
    """The settings of a verifier around one other."""

    model_config = VerifierSpec.model_config

    of: VerifierSpec
    """`{verifier, settings}` of the one inside."""


class LoadedPart:
    """A part, built. `weight` and `key` as in `Part`."""

    def __init__(self, spec: VerifierSpec, weight: float | None = None, key: str | None = None) -> None:
        self.loaded = spec.load()
        self.weight = weight
        self._key = key

    @property
    def identity(self) -> list[JsonValue]:
        """What a verdict of this part depends on."""
        loaded = self.loaded
        return [loaded.name, loaded.version, loaded.settings_hash, self.weight, self._key]

    def read_or_why_not(self, reference: Mapping[str, JsonValue]) -> Any:
        """The reference as the part reads it, or the BadReference that says why it cannot."""
        try:
            return self.loaded.read_reference(self._own(reference))
        except BadReference as error:
            return error

    def check_reference(self, reference: Mapping[str, JsonValue]) -> None:
        """Raises BadReference where the part could accept nothing with this reference."""
        self.loaded.check_reference(self._own(reference))

    def _own(self, reference: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        if self._key is None:
            return reference
        own = reference.get(self._key)
        if not isinstance(own, dict):
            raise BadReference(f"the reference has no object `{self._key}` for its part {self.loaded.name}")
        return own

    def judge(self, asked: Sequence[Asked]) -> list[Verdict]:
        """One verdict each, in order; what raises is a fault, and so is a reference that is a BadReference."""
        judged = iter(self._judge_read([one for one in asked if not isinstance(one.reference, BadReference)]))
        return [
            Verdict.fault(str(one.reference)[:1000]) if isinstance(one.reference, BadReference) else next(judged)
            for one in asked
        ]

    def _judge_read(self, asked: Sequence[Asked]) -> list[Verdict]:
        size = self.loaded.batch
        if size > 1 and len(asked) > 1:
            batches = (asked[at : at + size] for at in range(0, len(asked), size))
            return [verdict for batch in batches for verdict in self.loaded.judge_many(batch)]
        return [self._judge_one(one) for one in asked]

    def _judge_one(self, asked: Asked) -> Verdict:
        try:
            return self.loaded.judge(asked)
        except MemoryError:
            raise
        except Exception as error:
            return Verdict.fault(f"{self.loaded.name} raised {error_text(error)[:500]}")


class Composed(Verifier):
    """A verifier made of parts. A subclass combines their verdicts into one."""

    Settings: ClassVar[type[BaseModel]] = Parts
    one_is_enough: ClassVar[bool] = False
    """Whether something can be accepted where only one part can accept anything."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.parts = self._load_parts()
        self.needs = together(part.loaded.plugin.needs for part in self.parts)
        self.weighs = any(part.weight is not None for part in self.parts)
        """Whether a score is wanted, for which every part has to be asked."""
        self.batch = max(part.loaded.batch for part in self.parts)
        self.timeout = sum(part.loaded.plugin.timeout for part in self.parts)
        self.budgets = sum(part.loaded.plugin.budgets for part in self.parts)

    def _load_parts(self) -> list[LoadedPart]:
        """Raises VerifierError; names the place of the part."""
        if isinstance(self.settings, Of):
            return [LoadedPart(self.settings.of)]
        found = []
        for place, part in enumerate(self.settings.parts):
            try:
                found.append(LoadedPart(part, part.weight, part.reference))
            except VerifierError as error:
                raise type(error)(f"`parts.{place}` of the {self.name} verifier: {error}") from error
        return found

    def identity(self) -> JsonValue:
        """The parts: the settings hash is made of them, not of the settings as they are written."""
        return [part.identity for part in self.parts]

    @property
    def sandbox_level(self) -> str | None:  # type: ignore[override]
        """That of the first part which has one."""
        return next((level for part in self.parts if (level := part.loaded.plugin.sandbox_level)), None)

    def warm(self) -> None:
        for part in self.parts:
            part.loaded.plugin.warm()

    def read_reference(self, reference: Mapping[str, JsonValue]) -> Any:
        """The reference as each part reads it, or why that part cannot. Raises BadReference where none can."""
        read = [part.read_or_why_not(reference) for part in self.parts]
        if all(isinstance(each, BadReference) for each in read):
            raise read[0]
        return read

    def check_reference(self, reference: Mapping[str, JsonValue]) -> None:
        """Raises BadReference where nothing could be accepted with it, with the first complaint of a part."""
        complaints = []
        for part in self.parts:
            try:
                part.check_reference(reference)
            except BadReference as error:
                complaints.append(error)
        if complaints and not (self.one_is_enough and len(complaints) < len(self.parts)):
            raise complaints[0]

    def verify(self, asked: Asked) -> Verdict:
        return self.verify_many([asked])[0]

    def verify_many(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Ask the parts one after another, each about the completions that are still to be decided."""
        found: list[list[Verdict]] = [[] for _ in asked]
        for place, part in enumerate(self.parts):
            left = [at for at, verdicts in enumerate(found) if not self.is_decided(verdicts)]
            if not left:
                break
            judged = part.judge([replace(asked[at], reference=asked[at].reference[place]) for at in left])
            for at, verdict in zip(left, judged, strict=True):
                found[at].append(verdict)
        return [self.combined(verdicts, one) for verdicts, one in zip(found, asked, strict=True)]

    def is_decided(self, verdicts: Sequence[Verdict]) -> bool:
        """Whether the verdicts of the first parts are enough, and the others need not be asked."""
        return False

    @abstractmethod
    def combined(self, verdicts: Sequence[Verdict], asked: Asked) -> Verdict:
        """The verdict, from those of the parts that were asked."""

    def evidence(self, verdicts: Sequence[Verdict]) -> dict[str, Any]:
        """The verdict of each part, in short; which part decided is added by the caller."""
        told = [
            {"verifier": part.loaded.name, "outcome": verdict.outcome, "reason": verdict.reason}
            for part, verdict in zip(self.parts[:SHOWN_PARTS], verdicts, strict=False)
        ]
        return {"parts": told}

    def score(self, verdicts: Sequence[Verdict]) -> float | None:
        """The weighted mean of the parts' scores: a part's own, else 1 for accepted and 0 for rejected.

        None where no part has a weight, or one that has is undecided.
        """
        total = weights = 0.0
        for part, verdict in zip(self.parts, verdicts, strict=False):
            if part.weight is None:
                continue
            own = verdict.score
            if own is None and verdict.outcome == "undecided":
                return None
            total += part.weight * (float(verdict.outcome == "accepted") if own is None else own)
            weights += part.weight
        return total / weights if weights else None

    def decided(self, outcome: str, place: int, verdicts: Sequence[Verdict]) -> Verdict:
        """The verdict of one part as that of the whole, with its reason and evidence."""
        deciding = verdicts[place]
        taken = ("parts", "decided_by", "score", "reason")
        own = {key: value for key, value in deciding.detail.items() if key not in taken}
        verdict = Verdict.accept if outcome == "accepted" else Verdict.reject
        detail = {**self.evidence(verdicts), "decided_by": self.parts[place].loaded.name, **own}
        return verdict(deciding.reason, score=self.score(verdicts), **detail)

    def undecided(self, verdicts: Sequence[Verdict]) -> Verdict:
        """A fault where a part could not judge, else open; with the explanation of the first such part."""
        asked = zip(self.parts, verdicts, strict=False)
        left = [(part.loaded.name, verdict) for part, verdict in asked if verdict.outcome == "undecided"]
        name, first = next((each for each in left if each[1].reason == "fault"), left[0])
        if first.reason == "fault":
            return Verdict.fault(f"{name}: {first.detail.get('what', 'fault')}"[:1000], **self.evidence(verdicts))
        return Verdict.open(f"{name}: {first.detail.get('why', first.reason)}"[:1000], **self.evidence(verdicts))
