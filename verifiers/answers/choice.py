r"""The `choice` verifier: is the right one of several lettered choices taken, and no other?

    reference {"answer": "B", "choices": ["rain", "snow", "hail"]}
    accepts   The answer is B.    **Answer: (B)** snow    \boxed{\text{B}}    #### b    The answer is snow. It freezes.

What is covered: a letter or a choice's text in a declared form (docs/verifiers.md): after a mark, in the last line or
in the whole completion. The last place that names a choice counts. A second choice in its statement, or in the one
before with no sentence between, is a hedge. The right letter is left undecided where other words follow it at once, or
its paragraph goes on to name another choice.
What is not covered: words behind the answer that take it back and name no other choice; why it was chosen.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier
from selfplay.verifiers.math.extraction import Place, Where, places, without_text_commands

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_USUAL = "ABCDEFGHIJ"
"""The letters that may name a choice where the reference does not list them."""
_LONGEST = 10_000
_MARKUP = re.compile(r"(?<!\w)(?:\*\*|__)|(?:\*\*|__)(?!\w)|`|\$|(?<!\\)\\[()\[\]]")
_QUOTED = re.compile(r"(?<!\w)[\"'“”„‘’«»<]+([A-Za-z])([.)]?)[\"'“”‘’«»>]+(?!\w)")
_LEAD = re.compile(
    r"\A(?:the\s+)?(?:(?:final|correct|right|best)\s+)?(?:answer|choice|option|letter)(?:\s+is\b)?\s*[:=]?\s*"
    r"(?:(?:choice|option|letter)\s+)?",
    re.IGNORECASE,
)
"""What may still stand before the letter: "option B"; in a last line or whole completion also "the answer is"."""
_LETTER = re.compile(r"[(\[{*_]*([A-Za-z])(?P<closed>[.:!]*+(?:[)\]}]++|[*_]++(?!\w))[.:!]*+|[.:!]*+(?!\w))")
_OTHER = re.compile(r"(?<![\w'’\\.])(?:([A-Z])(?![\w'’])(?!(?<=[AI])\s+[a-z])|([a-z])(?:[)\]]|\.(?!\w)))")
"""A letter by itself; "A" and "I" before a small letter are an article and a pronoun."""
_UNIT = re.compile(r"\s?(?:%|°?[A-Za-z]+)(?=\s*(?:\Z|[.!)\n]))")
_NOT = re.compile(r",?\s+not\s+[(\[]?[A-Z][)\]]?(?!\w)")
_REASON = re.compile(r"\s*[,(]?\s*(?:because|since)\b", re.IGNORECASE)
_NAME = re.compile(r"\s*[,–—-]\s+[A-Z\d]")
"""A text that may be the choice's own where the reference has none: "C, Paris"."""
_END = re.compile(r"\s*(?:\Z|\n)|\s?[.!:)\]}*_]+(?!\w)")
_SENTENCE_END = re.compile(r"[.!?](?=\s)|\n|\Z")


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

    def texts(self) -> dict[str, str]:
        """The text of every letter that may name a choice; empty where it is not known."""
        if self.choices is None:
            return dict.fromkeys({*_USUAL, self.answer}, "")
        return {LETTERS[at]: _plain(_unmarked(text)) for at, text in enumerate(self.choices)}


class ChoiceSettings(BaseModel):
    """Where the answer stands."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    where: Where = "marked"
    """After a mark (`\\boxed{}`, `####`, "the answer is", "the correct option is"), in the last line, or in the whole
    completion; a bare letter is an answer in the last two alone."""


class ChoiceVerifier(Verifier):
    """Judges which lettered choice a completion takes."""

    name: ClassVar[str] = "choice"
    version: ClassVar[str] = "4"
    judges: ClassVar[str] = "that exactly the right lettered choice is taken"
    does_not_catch: ClassVar[str] = (
        "a guess: with four choices one in four is right; an answer that later words take back without naming another"
    )
    Reference: ClassVar[type[BaseModel]] = ChoiceReference
    Settings: ClassVar[type[BaseModel]] = ChoiceSettings

    def verify(self, asked: Asked) -> Verdict:
        reference: ChoiceReference = asked.reference
        texts = reference.texts()
        stated = [place for place in places(asked.completion, self.settings.where) if place.text.strip()]
        if not stated:
            return Verdict.reject("no_answer")
        readings = ((at, read(place, texts)) for at, place in enumerate(stated))
        at, found = next(((at, reading) for at, reading in readings if reading), (0, None))
        place = stated[at]
        if found is None:
            return Verdict.reject("unreadable_answer", extracted_by=place.rule, answer=place.text[:300])
        letters = found.letters
        if place.is_beside_the_one_before() and at + 1 < len(stated):
            before = read(stated[at + 1], texts)
            letters |= before.letters if before else frozenset()
        taken = "".join(sorted(letters))
        evidence: dict[str, Any] = {"extracted_by": place.rule, "answer": place.text[:300], "taken": taken}
        if len(letters) > 1:
            return Verdict.reject("several_choices", **evidence)
        if reference.answer not in letters:
            return Verdict.reject("wrong_choice", **evidence)
        if found.doubt is not None:
            return Verdict.open(found.doubt, **evidence)
        return Verdict.accept("right_choice", **evidence)


class Reading(NamedTuple):
    """What a place states."""

    letters: frozenset[str]
    """The choices that the statement names."""
    doubt: str | None = None
    """Why it may not mean the one that it names."""


def read(place: Place, texts: dict[str, str]) -> Reading | None:
    """What a place states; `texts` as of `ChoiceReference.texts`. None: it does not begin with a choice."""
    statement = _unmarked(place.text[:_LONGEST]).strip()
    letter, length = _begins_with(statement, texts)
    if not letter:
        statement = _LEAD.sub("", statement, count=1)
        letter, length = _begins_with(statement, texts)
    rest, closed = statement[length:], ""
    found = _LETTER.match(statement)
    if found is not None and found[1].upper() in texts and found.end() >= length:
        letter, rest, closed = found[1].upper(), statement[found.end() :], found["closed"]
        text = rest.lstrip(" \t,:=(–—-")
        own = _length(text, texts[letter])
        rest = text[own:] if own else rest
        if not (closed or own or _END.match(rest) or _REASON.match(rest)) and (
            found[1].islower() or (letter in "AI" and rest[0] == " " and not _named(rest, texts, letter))
        ):
            return None
    if not letter:
        return None
    without = _NOT.match(rest)
    rest = rest[without.end() :] if without else rest
    reason = _REASON.match(rest)
    sentence = _SENTENCE_END.search(rest, reason.end() if reason else 0)
    end = sentence.start() if sentence else len(rest)
    if reason is None:
        end = 0 if re.search(r"[.!]", closed) else end
        if others := _named(rest[:end], texts, letter):
            return Reading(frozenset({letter, *others}))
        if not closed and not _END.match(rest) and (texts[letter] or not _NAME.match(rest)):
            return Reading(frozenset(letter), "other words follow the answer at once")
    if _named(f"{rest[end:]} {_unmarked(place.behind)}", texts, letter):
        return Reading(frozenset(letter), "another choice is named behind the answer")
    return Reading(frozenset(letter))


def _begins_with(statement: str, texts: dict[str, str]) -> tuple[str, int]:
    """The letter of the longest text that a statement begins with, and its length; 0 where it begins with none."""
    length, _, letter = max((_length(statement, text), len(text), letter) for letter, text in texts.items())
    return letter if length else "", length


def _length(statement: str, text: str) -> int:
    """How much of a statement is a choice's text, with a unit behind a number; 0 where it does not begin with it."""
    words = r"\s+".join(map(re.escape, text.split()))
    found = re.match(rf"[\"“'‘]?{words}[\"”'’]?", statement, re.IGNORECASE) if text else None
    if found is None:
        return 0
    unit = _UNIT.match(statement, found.end()) if text[-1].isdigit() else None
    end = unit.end() if unit else found.end()
    return 0 if re.match(r"\w|[.,:/]\d", statement[end:]) else end


def _named(said: str, texts: dict[str, str], letter: str) -> set[str]:
    """The other choices that are named in what follows an answer."""
    named = {(capital or small).upper() for capital, small in _OTHER.findall(said)} & texts.keys() - {letter}
    said = _text(texts[letter]).sub(" ", _plain(said)) if texts[letter] else _plain(said)
    return named | {other for other, text in texts.items() if other != letter and text and _text(text).search(said)}


def _text(text: str) -> re.Pattern[str]:
    """A choice's text that is no part of a longer word or number."""
    return re.compile(rf"(?<![\w.]){re.escape(text)}(?!\w|[.,]\d)")


def _unmarked(text: str) -> str:
    """Without emphasis, math delimiters, `\\text{}` and the quotation marks around a letter."""
    return _QUOTED.sub(r"\1\2", _MARKUP.sub("", without_text_commands(text)))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(" .")
