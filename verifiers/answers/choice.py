"""The `choice` verifier: is the right one of several lettered choices taken, and no other?

    reference {"answer": "B", "choices": ["rain", "snow", "hail"]}
    accepts   B    (B)    B.    "B"    **B** snow    B) snow    snow    Option B    B because it is cold

Where the answer stands is a setting: with `where: marked`, the default, it must be announced ("the answer is B", "the
correct option is B", `\\boxed{B}`, `#### B`); a bare letter `B` is an answer with `where: whole` or `last_line` alone.

What is covered: behind the letter only what is known to be harmless may stand, up to the end of the completion:
nothing, that choice's own text (with its unit, where it is a number), "not A", or a reason that begins with because,
since, as or for and takes nothing back. Two letters, or a letter beside another choice's text, is a hedge
(`several_choices`). Other words behind the right letter leave it open, neither right nor wrong ("B. I hope this
helps"), unless they speak against it; all else is `unreadable_answer` ("B is wrong", "a mystery"). What is not covered:
why it was chosen; "I choose B"; with four choices one guess in four is right.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from selfplay.verifiers.answers.located import REASON, Where, located
from selfplay.verifiers.answers.measures import MEASURES, unit_of
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier

_LONGEST = 10_000
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LEAD = re.compile(
    r"(?:the\s+)?(?:(?:final|correct|right|best)\s+)?(?:answer|choice|option)(?:\s+is)?\s*[:=]?\s*(?:(?:choice|option)\s+)?",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[(\[{]?([A-Za-z])(?:[)\]}.:!]+|(?=[\s,;/&|+=–—-]|$))\s*")
_ALONE = re.compile(r"[(\[{]?([A-Za-z])[)\]}.:!]*")
_NOTHING = re.compile(r"[\s.!)\]}*_\"'”’]*")
"""What may stand behind the letter."""
_LINK = re.compile(r"[\s,:=(\[–—-]*(?:(?:it|this|that|which)\s+(?:is|says)\s+)?", re.IGNORECASE)
"""What may stand between a letter and the text of its choice."""
_RIGHT = re.compile(
    r",?\s*(?:(?:is|seems)\s+(?:the\s+)?(?:correct|right|best)(?:\s+(?:answer|choice|option|one))?"
    r"|(?:and\s+)?not\s+\(?[A-Z]\)?|(?:rather\s+than|instead\s+of)\s+\(?[A-Z]\)?)[.!]*"
)
"""What says nothing else than the letter: "B is correct", "B, not A"."""
_EMPHASIS = re.compile(r"\*\*|__|`|\$|(?<!\\)\\[()\[\]]|\\text(?:bf)?\s*\{([^{}]*)\}")
_QUOTED = re.compile(r"(?<!\w)[\"'“”„‘’«»<]+([A-Za-z])([.)]?)[\"'“”‘’«»>]+(?!\w)")
_OTHER = re.compile(
    r"(?:^|\W)(?:or|and|and/or)\s+[(\[{]?([A-Za-z])[)\]}.]*(?:\W|$)|[,;/&|+-]\s*[(\[{]?([A-Za-z])[)\]}.]*(?:\W|$)"
)
_WHY = re.compile(r"\b(?:because|since|(?<!well )as(?!\s+well\b)|for|given|not|than|unlike|while|whereas|instead of)\b")
_CAPITAL = re.compile(r"(?<![\w'’])([B-HJ-Z]|[AI](?! +[a-z]))(?![\w'’])")
"""A letter by itself that is no article: what stands before a reason is part of the answer."""
_DOUBT = re.compile(
    r"\b(?i:but|unless|otherwise|else|alternatively|maybe|perhaps|possibly|could|may|might|no|wait|actually|sorry|hmm"
    r"|rather(?!\s+than)|instead(?!\s+of)|though|although|then)\b.{0,300}?(?<![\w'])([A-Z])(?!['\w])",
    re.DOTALL,
)
"""Words after which another letter is a second answer; in "B, since A is too small" it is a reason."""
_HEDGES = re.compile(
    r"\b(?:but|however|wait|actually|hmm+|though|although|unless|otherwise|else|alternatively|maybe|perhaps|possibly|sorry|oops"
    r"|second\s+thoughts?|i\s+mean|instead(?!\s+of)|rather(?!\s+than)|correction|scratch|mistake\w*|now|guess|last\s+resort"
    r"|final\w*|answers?|if|(?:it|that|this)\s+is\s+(?:wrong|incorrect|false))\b|[?;\n❌✗✘]|\bno[,.:!]",
    re.IGNORECASE,
)
"""What in a reason may take the answer back."""


_AGAINST = re.compile(
    r"\b(?:but|however|wait|actually|hmm+|though|although|unless|otherwise|else|alternatively|maybe|perhaps|possibly|sorry|oops"
    r"|thoughts?|mean|instead|rather|correction|scratch|mistake\w*|guess|answers?|choices?|options?|if|not?|none|never|cannot"
    r"|wrong|incorrect|false|unlikely|impossible|ruled|reject\w*|fail\w*|exclud\w*|eliminat\w*|both|all|now|or|and)\b|n['’]t\b"
    r"|[?;❌✗✘\d]|(?<![\w'’])[([]?(?!I\s)[B-Zb-z](?![\w'’])",
    re.IGNORECASE,
)
"""What behind a letter may deny it or name another."""


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

    def verify(self, asked: Asked) -> Verdict:
        reference: ChoiceReference = asked.reference
        written = [one for one in located(asked.completion, self.settings.where, choice=True) if one.strip()]
        if not written:
            return Verdict.reject("no_answer")
        answer = written[0]
        taken = chosen(answer, reference.choices)
        evidence: dict[str, Any] = {"answer": answer[:300], "taken": "".join(sorted(taken))}
        if not taken and begins(answer, reference.answer, reference.choices):
            return Verdict.open("words stand behind the right letter that are not known to be harmless", **evidence)
        if not taken:
            return Verdict.reject("unreadable_answer", **evidence)
        if len(taken) > 1:
            return Verdict.reject("several_choices", **evidence)
        if taken == {reference.answer}:
            return Verdict.accept("right_choice", **evidence)
        return Verdict.reject("wrong_choice", **evidence)


def begins(answer: str, letter: str, choices: tuple[str, ...] | None) -> bool:
    """Whether an answer is a letter with words behind it that neither deny it nor name another."""
    text, first = _led(_plainly(answer))
    if first is None or first[1] != letter or first[0].strip() in ("A", "I"):
        return False
    rest = _plain(text[first.end() :])
    others = (_plain(one) for at, one in enumerate(choices or ()) if LETTERS[at] != letter)
    return _AGAINST.search(text, first.end()) is None and not any(one and one in rest for one in others)


def chosen(answer: str, choices: tuple[str, ...] | None) -> set[str]:
    """The letters that an answer takes: by letter, or by the text of a choice. Empty: it cannot be read.

    Args:
        answer: the answer alone.
        choices: texts of the choices from A on.
    """
    if len(answer.strip()) > _LONGEST:
        return set()
    text = _plainly(answer)
    known = LETTERS[: len(choices)] if choices else LETTERS
    alone = _ALONE.fullmatch(text)
    if alone is not None:
        # the letter, though a choice may be called so
        named = None if alone[1].upper() in known else by_text(text, choices)
        return {alone[1].upper()} & set(known) if named is None else {named}
    whole = by_text(text, choices)
    if whole is not None:
        return {whole}
    text, first = _led(text)
    if first is None or first[1].upper() not in known:
        found = by_text(text, choices)
        return {found} if found is not None else set()
    rest, letter = text[first.end() :].strip(), first[1].upper()
    if _is_harmless(rest, letter, choices, article=first[0].strip() in ("a", "A", "I")):
        return {letter}
    taken = _named(rest, choices) & set(known)
    return {letter, *taken} if taken - {letter} else set()


def _led(text: str) -> tuple[str, re.Match[str] | None]:
    """An answer without the words that announce it, and the letter that it then begins with."""
    lead = _LEAD.match(text)
    text = text[lead.end() :] if lead else text
    return text, _LETTER.match(text)


def _is_harmless(rest: str, letter: str, choices: tuple[str, ...] | None, *, article: bool) -> bool:
    """Whether what stands behind a letter leaves it the answer.

    Args:
        article: whether the letter may be an article or a pronoun: "a for effort".
    """
    if _NOTHING.fullmatch(rest):
        return True
    if _RIGHT.fullmatch(rest):
        return not article
    if choices is not None:
        link = _LINK.match(rest)
        said = rest[link.end() :] if link else rest
        own = _own_text(said, choices[LETTERS.index(letter)])
        if own is not None:
            return _NOTHING.fullmatch(own) is not None or _is_reason(own, choices)
    return _is_reason(rest, choices) and (not article or rest[:1] in ",(" or rest.startswith(("because", "since")))


def _own_text(said: str, choice: str) -> str | None:
    """What stands behind the text of a choice, and its unit where it is a number. None: the text does not begin so."""
    words = choice.split()
    if not words:
        return None
    found = re.match(r"\s+".join(map(re.escape, words)), said, re.IGNORECASE)
    if found is None or re.match(r"\w|[.,:/]\d", said[found.end() :]):
        unit = re.match(r"[A-Za-z]+", said[found.end() :]) if found else None
        if found is None or unit is None or not choice[-1:].isdigit() or unit_of(unit[0]) not in MEASURES:
            return None
    behind = said[found.end() :]
    if choice[-1:].isdigit():
        unit = re.match(r"\s?(?:%|percent\b|°[CF]?|[A-Za-z]+)", behind)
        if unit is not None and (not unit[0].strip().isalpha() or unit_of(unit[0].strip()) in MEASURES | {"percent"}):
            behind = behind[unit.end() :]
    return behind


def _is_reason(rest: str, choices: tuple[str, ...] | None) -> bool:
    """Whether it is one reason that takes nothing back and names no letter as a second answer."""
    begins = REASON.match(rest)
    if begins is None or _HEDGES.search(rest, begins.end()):
        return False
    reason = rest[begins.end() :].strip().rstrip(" .!)")
    if len(reason.split()) < 2 or re.search(r"[.!]\s|n['’]t\Z|\bnot\Z|\bopposed\b|\bor\s+\(?[A-Z]\b", reason):
        return False
    if begins[0].strip(" ,(").casefold() in ("as", "for") and _named(f" {reason}", choices):
        return False  # B for snow, C for hail
    return re.search(r"[,.]\s*(?:and\s+)?\(?[A-Z]\)?(?=[\s.,]|\Z)(?!\s+(?:is|are|was|does|has|would)\b)", rest) is None


def _named(rest: str, choices: tuple[str, ...] | None) -> set[str]:
    """The letters that stand behind one, by letter or by the text of a choice."""
    taken = {(one or other).upper() for one, other in _OTHER.findall(" " + rest)}
    taken |= set(_CAPITAL.findall(_WHY.split(rest, maxsplit=1)[0])) | set(_DOUBT.findall(rest))
    said = f" {_plain(_WHY.split(rest, maxsplit=1)[0])} "
    for at, one in enumerate(choices or ()):
        if _plain(one) and re.search(rf"(?<![\w.]){re.escape(_plain(one))}(?!\w|[.,]\d)", said):
            taken.add(LETTERS[at])
    return taken


def _plainly(answer: str) -> str:
    """An answer without emphasis, and a letter without quotation marks."""
    text = _EMPHASIS.sub(lambda found: found[1] or "", answer[:_LONGEST]).strip()
    return _QUOTED.sub(r"\1\2", text)


def by_text(text: str, choices: tuple[str, ...] | None) -> str | None:
    plain = _plain(text)
    return next((LETTERS[at] for at, choice in enumerate(choices or ()) if plain and _plain(choice) == plain), None)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(" .")
