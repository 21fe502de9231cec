"""The plugin contract: what a verifier is.

A function:

    @verifier(name="palindrome", version="1")
    def palindrome(reference, completion):
        text = completion.strip()
        return Verdict.accept() if text == text[::-1] else Verdict.reject("not_a_palindrome")

or a class, where there is state or settings:

    class Palindrome(Verifier):
        name = "palindrome"
        version = "1"
        judges = "whether the completion reads the same backwards"
        does_not_catch = "palindromes that mean nothing"

        def verify(self, reference, completion):
            ...

The completion is the model's whole response. A `verify` (or function) that names `prompt` or `timeout` among
its parameters is given the prompt (str or None) and the completion's own budget in seconds (float or None).
Time, memory, processes, retries and logging are the framework's: see supervisor.py.

A class that is faster in bulk adds the batch form, and says how many at most:

    batch = 64

    def verify_many(self, references, completions):      # lists of equal length; also `prompts`, `timeout`
        return [Verdict..., ...]                         # one each, in order

It must give the verdicts that `verify` gives: which completions come together is chance. Where it fails, kills its
worker or takes too long, its completions are judged again one by one.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

from selfplay.verifiers.contract.needs import Needs
from selfplay.verifiers.contract.verdict import Verdict

NOTHING = Needs()


class AnyReference(BaseModel):
    """The reference of a verifier that declares none: any JSON object, handed over as a dict."""

    model_config = ConfigDict(extra="allow")


class NoSettings(BaseModel):
    """The settings of a verifier that has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Verifier(ABC):
    """One judge, built once in each worker process and asked about one completion at a time.

    Inheriting is a convenience: a class with the same attributes is as good.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    """Change it whenever a verdict can change."""
    judges: ClassVar[str] = ""
    """What an accepted verdict proves, in one line."""
    does_not_catch: ClassVar[str] = ""
    """What passes although it should not, in one line."""
    Reference: ClassVar[type[BaseModel]] = AnyReference
    Settings: ClassVar[type[BaseModel]] = NoSettings
    needs: Needs = NOTHING
    """What it needs of the machine; of the class, or of the instance where the settings decide."""
    batch: int = 0
    """Most completions that `verify_many` is given at once; 0: there is no batch form."""
    sandbox_level: str | None = None
    """The isolation reached, for a verifier that runs what a model wrote."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def warm(self) -> None:
        """Do slow imports now; called once in each worker before its first row."""
        return None

    @abstractmethod
    def verify(self, reference: Any, completion: str) -> Verdict:
        """Judge one completion against a validated `Reference`. May raise: that is a fault, not a
        rejection."""


Judge = Callable[..., Verdict]
Decorated = TypeVar("Decorated", bound=Judge)


def verifier(
    *,
    name: str,
    version: str,
    judges: str = "",
    does_not_catch: str = "",
    reference: type[BaseModel] = AnyReference,
    needs: Needs = NOTHING,
) -> Callable[[Decorated], Decorated]:
    """Declare a function `(reference, completion) -> Verdict` to be a verifier. The function stays callable.

    Args:
        reference: pydantic model that the reference is validated with; without one it is a plain dict.
        needs: what it needs of the machine.
    """

    def declare(function: Decorated) -> Decorated:
        body = {
            "name": name,
            "version": version,
            "judges": judges or (inspect.getdoc(function) or "").partition("\n")[0],
            "does_not_catch": does_not_catch,
            "Reference": reference,
            "needs": needs,
            "verify": staticmethod(function),
            "__doc__": function.__doc__,
            "__module__": function.__module__,
        }
        function.__verifier__ = type(function.__name__, (Verifier,), body)  # type: ignore[attr-defined]
        function.name = name  # type: ignore[attr-defined]
        return function

    return declare
