"""The `regex` verifier: does the completion match a regular expression?

What is covered: hostile completions; a pattern that backtracks without end is stopped at its time limit and leaves the
completion open. What is not covered: what the pattern lets through (it judges form, not truth); a pattern that is long
to compile. Patterns come from the person who runs the experiment.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier
from selfplay.verifiers.errors import BadReference, first_complaint

Place = Literal["anywhere", "whole", "line"]


class RegexReference(BaseModel):
    """The pattern of a problem."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    pattern: str | None = Field(default=None, min_length=1, max_length=10_000)
    """Regular expression (library `regex`); may be left out where the settings have one."""


class RegexSettings(BaseModel):
    """The pattern for all problems, and how it is applied."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    pattern: str | None = Field(default=None, min_length=1, max_length=10_000)
    """Regular expression for problems whose reference has none."""
    where: Place = "anywhere"
    """The match may stand anywhere, must be the whole completion, or one whole line."""
    ignore_case: bool = False
    """Whether capitals count as small letters."""
    timeout: float = Field(default=1.0, gt=0, le=60)
    """Seconds for one completion; a pattern that takes longer leaves it undecided."""

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        if self.pattern is not None:
            compiled(self.pattern, self.ignore_case)
        return self


class RegexVerifier(Verifier):
    """Judges a completion by a regular expression."""

    name: ClassVar[str] = "regex"
    version: ClassVar[str] = "1"
    judges: ClassVar[str] = "that the completion matches a regular expression"
    does_not_catch: ClassVar[str] = "whatever is false and has the form"
    Reference: ClassVar[type[BaseModel]] = RegexReference
    Settings: ClassVar[type[BaseModel]] = RegexSettings

    def read_reference(self, reference: Mapping[str, JsonValue]) -> str:
        """The pattern that counts. Raises BadReference where there is none, or it is no regular expression."""
        try:
            pattern = RegexReference.model_validate(reference).pattern or self.settings.pattern
            if pattern is None:
                raise BadReference("the reference has no `pattern` for the regex verifier, and its settings have none")
            compiled(pattern, self.settings.ignore_case)
        except ValidationError as error:
            raise BadReference(f"the reference does not fit the regex verifier, {first_complaint(error)}") from error
        except ValueError as error:
            raise error if isinstance(error, BadReference) else BadReference(f"`pattern`: {error}") from None
        return pattern

    def verify(self, asked: Asked) -> Verdict:
        reference: str = asked.reference
        pattern = compiled(reference, self.settings.ignore_case)
        try:
            found = matches(pattern, asked.completion, self.settings.where, asked.timeout or self.settings.timeout)
        except TookTooLong as error:
            return Verdict.open(str(error), pattern=reference[:300])
        if found is None:
            return Verdict.reject("no_match", pattern=reference[:300])
        return Verdict.accept("match", pattern=reference[:300], matched=found[:300])


class TookTooLong(Exception):
    """The pattern did not come to an end on this text within its time."""


@lru_cache(maxsize=1024)
def compiled(pattern: str, ignore_case: bool) -> Any:
    """The pattern, compiled; `.` matches no line end, `^` and `$` match at lines.

    Raises:
        ValueError: it is no regular expression; says where.
    """
    import regex

    try:
        return regex.compile(pattern, regex.MULTILINE | (regex.IGNORECASE if ignore_case else 0))
    except (regex.error, RecursionError, OverflowError) as error:
        raise ValueError(f"`{pattern[:80]}` is no regular expression: {error}") from None


def matches(pattern: Any, text: str, place: Place, seconds: float) -> str | None:
    """What the compiled pattern matches there; None where it does not.

    Args:
        place: somewhere in the text, the whole text, or one whole line.
        seconds: time limit for this text.

    Raises:
        TookTooLong: the time is spent.
    """
    try:
        if place == "whole":
            found = pattern.fullmatch(text, timeout=seconds)
        elif place == "line":
            found = next(filter(None, (pattern.fullmatch(line, timeout=seconds) for line in text.splitlines())), None)
        else:
            found = pattern.search(text, timeout=seconds)
    except TimeoutError:
        raise TookTooLong(f"the pattern did not end within {seconds:g} s on {len(text):,} characters") from None
    return None if found is None else str(found[0])
