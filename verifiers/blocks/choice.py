"""The `choice` verifier: is the right one of several lettered choices taken, and no other?

    reference {"answer": "B", "choices": ["rain", "snow", "hail"]}
    accepts   B    (B)    B.    "B"    **B** snow    B) snow    snow    Option B    B because it is cold

Where the answer stands is a setting: with `where: marked`, the default, it must be announced ("the answer is B", "the
correct option is B", `\\boxed{B}`, `#### B`); a bare letter `B` is an answer with `where: whole` or `last_line` alone.

What is covered: two letters, or a letter beside another choice's text, is a hedge and rejected ("A or rather B"); a
letter that is denied ("B is wrong", "B?") is no answer; a letter in a reason ("B, since A is too warm") is none either.
What is not covered: why it was chosen; "I choose B"; with four choices one guess in four is right.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from verifiers.blocks.located import Where, located
from verifiers.verdict import Verdict
from verifiers.verifier import Verifier

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LEAD = re.compile(
    r"(?:the\s+)?(?:(?:final|correct|right|best)\s+)?(?:answer|choice|option)(?:\s+is)?\s*[:=]?\s*(?:(?:choice|option)\s+)?",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[(\[{]?([A-Za-z])(?:[)\]}.:!]+|(?=[\s,;/&|+-]|$))\s*")
_WORD = re.compile(r"(?:A|I|a) +(?!(?:and|as|because|but|by|for|from|if|is|not|or|since|so|which|with)\b)[a-z]")
"""An article or a pronoun where a letter could stand: "a mystery", "I think"."""
_EMPHASIS = re.compile(r"\*\*|__|`|\$|\\text(?:bf)?\s*\{([^{}]*)\}")
_QUOTED = re.compile(r"(?<!\w)[\"'“”„‘’«»<]+([A-Za-z])([.)]?)[\"'“”‘’«»>]+(?!\w)")
_OTHER = re.compile(
    r"(?:^|\W)(?:or|and|and/or)\s+[(\[{]?([A-Za-z])[)\]}.]*(?:\W|$)|[,;/&|+-]\s*[(\[{]?([A-Za-z])[)\]}.]*(?:\W|$)"
)
_REASON = re.compile(
    r"\b(?:because|since|(?<!well )as(?!\s+well\b)|for|given|not|than|unlike|while|whereas|instead of)\b"
)
_CAPITAL = re.compile(r"(?<![\w'’])([B-HJ-Z]|[AI](?! +[a-z]))(?![\w'’])")
"""A letter by itself that is no article: what stands before a reason is part of the answer."""
_DOUBT = re.compile(
    r"\b(?i:but|unless|otherwise|else|alternatively|maybe|perhaps|possibly|could|may|might|no|wait|actually|sorry|hmm"
    r"|rather(?!\s+than)|instead(?!\s+of)|though|although|then)\b.{0,300}?(?<![\w'])([A-Z])(?!['\w])",
    re.DOTALL,
)
"""Words after which another letter is a second answer; in "B, since A is too small" it is a reason."""
_DENIED = re.compile(
    r"\?|(?:is|was|seems|looks|would\s+be|must\s+be|can\s+be|could\s+be)\b[^.,;\n]{0,60}?\b(?:not|never|wrong|incorrect|false"
    r"|impossible|excluded|eliminated|out)\b|(?:isn|wasn|can|won|doesn|couldn|shouldn|wouldn)['’]?t\b|cannot\b"
    r"|(?:can|could|does|should|would|will)\s+not\b|(?:wrong|incorrect|false|not)\b(?!\s+[A-Z(])",
    re.IGNORECASE,
)
"""What says of a letter that it is no answer."""


class ChoiceReference(BaseModel):
    """The right letter, and perhaps what the choices say."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    answer: str = Field(pattern=r"^[A-Z]$")
    """Letter of the right choice."""
    choices: tuple[str, ...] | None = Field(default=None, min_length=2, max_length=len(LETTERS))
    """Texts of the choices from A on; a text may then stand for its letter."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.choices is not None:
            if LETTERS.index(self.answer) >= len(self.choices):
                raise ValueError(f"`answer` is {self.answer}, and there are only {len(self.choices)} `choices`")
            if len({_plain(text) for text in self.choices}) < len(self.choices):
                raise ValueError("`choices` holds one text twice; they must differ")
        return self


class ChoiceSettings(BaseModel):
    """Where the answer stands."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    where: Where = "marked"
    """The marked answer (`\\boxed{}`, `####`, "the answer is", "the correct option is"), the last line, or the whole
    completion; a bare letter is an answer in the last two alone."""


class ChoiceVerifier(Verifier):
    """Judges which lettered choice a completion takes."""

    name: ClassVar[str] = "choice"
    version: ClassVar[str] = "3"
    judges: ClassVar[str] = "that exactly the right lettered choice is taken"
    does_not_catch: ClassVar[str] = "a guess: with four choices one in four is right"
    Reference: ClassVar[type[BaseModel]] = ChoiceReference
    Settings: ClassVar[type[BaseModel]] = ChoiceSettings

    def verify(self, reference: ChoiceReference, completion: str) -> Verdict:
        written = [one for one in located(completion, self.settings.where, choice=True) if one.strip()]
        if not written:
            return Verdict.reject("no_answer")
        answer = written[0]
        taken = chosen(answer, reference.choices)
        for other in written[1:] if len(taken) < 2 else ():
            # a choice's text with a full stop in it, or after one: "B. rain"
            plain = _plainly(other)
            named = by_text(plain, reference.choices) or by_text(_LETTER.sub("", plain, count=1), reference.choices)
            taken = taken | {named} if named is not None else taken
        evidence: dict[str, Any] = {"answer": answer[:300], "taken": "".join(sorted(taken))}
        if not taken:
            return Verdict.reject("unreadable_answer", **evidence)
        if len(taken) > 1:
            return Verdict.reject("several_choices", **evidence)
        if taken == {reference.answer}:
            return Verdict.accept("right_choice", **evidence)
        return Verdict.reject("wrong_choice", **evidence)


def chosen(answer: str, choices: tuple[str, ...] | None) -> set[str]:
    """The letters that an answer takes: by letter, or by the text of a choice. Empty: it cannot be read.

    Args:
        answer: the answer alone.
        choices: texts of the choices from A on.
    """
    text = _plainly(answer)
    known = LETTERS[: len(choices)] if choices else LETTERS
    whole = by_text(text, choices)
    if whole is not None:
        return {whole}
    lead = _LEAD.match(text)
    text = text[lead.end() :] if lead else text
    first = _LETTER.match(text)
    if first is None or _WORD.match(text):
        found = by_text(text, choices)
        return {found} if found is not None else set()
    rest = text[first.end() :].strip()
    letter = first[1].upper()
    if letter not in known or (not rest and first[1].islower() and len(text.strip()) > 3) or _DENIED.match(rest):
        return set()
    taken = {letter}
    named = by_text(rest.lstrip(" ,:-–—(").removesuffix(")"), choices) if rest else None
    if named is not None:
        return taken | {named}
    taken |= {(one or other).upper() for one, other in _OTHER.findall(" " + rest)} & set(known)
    taken |= set(_CAPITAL.findall(_REASON.split(rest, maxsplit=1)[0])) & set(known)
    taken |= set(_DOUBT.findall(rest)) & set(known)
    if rest and choices is not None:
        # a letter with words of its own: only the text of its choice may stand there, or a reason after a full stop
        said = _REASON.split(rest, maxsplit=1)[0]
        taken |= {LETTERS[at] for at, one in enumerate(choices) if _plain(one) and _plain(one) in _plain(said)}
    return taken


def _plainly(answer: str) -> str:
    """An answer without emphasis, and a letter without quotation marks."""
    text = _EMPHASIS.sub(lambda found: found[1] or "", answer[:10_000]).strip()
    return _QUOTED.sub(r"\1\2", text)


def by_text(text: str, choices: tuple[str, ...] | None) -> str | None:
    plain = _plain(text)
    return next((LETTERS[at] for at, choice in enumerate(choices or ()) if plain and _plain(choice) == plain), None)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(" .")
