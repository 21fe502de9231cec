"""The plugin contract: what a verifier is.

A function:

    @verifier(name="palindrome", version="1")
    def palindrome(reference, completion):
        text = completion.strip()
        return Verdict.accept() if text == text[::-1] else Verdict.reject("not_a_palindrome")

which may also name `prompt` (str or None) and `timeout` (seconds or None) among its parameters. Or a class, where there
is state or settings:

    class Palindrome(Verifier):
        name = "palindrome"
        version = "1"
        judges = "whether the completion reads the same backwards"
        does_not_catch = "palindromes that mean nothing"

        def verify(self, asked):
            text = asked.completion.strip()
            return Verdict.accept() if text == text[::-1] else Verdict.reject("not_a_palindrome")

A class that is faster in bulk also sets `batch`, such as 64, and has `verify_many(self, asked)`: at most so many Asked
in, one Verdict each out, in order. It must give the verdicts that `verify` gives, since which completions come together
is chance. Where it fails, kills its worker or takes too long, its completions are judged again one by one.
The framework owns time, memory, processes, retries and logging: see workers/supervisor.py.
"""

from __future__ import annotations

import importlib.util
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

from selfplay.verifiers.contract.verdict import Verdict

DEFAULT_TIMEOUT = 10.0
"""Seconds for a completion where neither the caller nor the verifier's settings set it."""


@dataclass(frozen=True)
class Needs:
    """What one verifier process needs of the machine beyond Python: `needs = Needs(gpu=1, packages=("transformers",))`.

    A verifier whose packages are missing is refused; a cluster's judge is placed where the GPUs are.
    """

    gpu: float = 0.0
    """GPUs, or a share of one below 1; all worker processes of a judge share them."""
    network: bool = False
    """Whether it talks to other machines."""
    packages: tuple[str, ...] = ()
    """Modules to import that do not come with selfplay, such as `spacy`."""

    def __post_init__(self) -> None:
        if not 0 <= self.gpu <= 64 or (self.gpu > 1 and self.gpu != int(self.gpu)):
            raise ValueError("`gpu` is a share below 1 or a whole number of GPUs")
        if isinstance(self.packages, str):
            raise ValueError("`packages` is a tuple of names, such as packages=('spacy',)")

    @property
    def missing(self) -> list[str]:
        """The packages that cannot be found here; imports none."""
        return [name for name in self.packages if not _is_installed(name)]

    def in_words(self) -> str:
        """Such as `1 GPU, the network, spacy`; empty where nothing is needed."""
        gpu = f"{self.gpu:g} GPU{'s' if self.gpu > 1 else ''}" if self.gpu else ""
        return ", ".join(filter(None, (gpu, "the network" if self.network else "", *self.packages)))


NOTHING = Needs()


def together(needs: Iterable[Needs]) -> Needs:
    """What several verifiers need that take turns in one process."""
    each = tuple(needs)
    return Needs(
        gpu=max((one.gpu for one in each), default=0.0),
        network=any(one.network for one in each),
        packages=tuple(dict.fromkeys(name for one in each for name in one.packages)),
    )


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


class AnyReference(BaseModel):
    """The reference of a verifier that declares none: any JSON object, handed over as a dict."""

    model_config = ConfigDict(extra="allow")


class NoSettings(BaseModel):
    """The settings of a verifier that has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Asked:
    """One completion to judge."""

    reference: Any
    """What `Verifier.read_reference` gave: an instance of the verifier's `Reference`, or a dict where it has none."""
    completion: str
    """The model's whole response."""
    prompt: str | None = None
    """What the model was asked, where the caller gives it."""
    timeout: float | None = None
    """The completion's own budget in seconds; None: as the verifier's settings say."""


class Verifier(ABC):
    """One judge, built once in each worker process. A subclass has a name, a version and `verify`."""

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
    """What it needs of the machine; an instance may set its own, where the settings decide."""
    batch: int = 0
    """Most completions that `verify_many` is given at once; 0: there is no batch form."""
    budgets: int = 1
    """How many times a completion may use the budget that a caller gives."""
    sandbox_level: str | None = None
    """The isolation reached, for a verifier that runs what a model wrote."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings
        """An instance of `Settings`."""

    @cached_property
    def timeout(self) -> float:
        """A completion's own budget in seconds where the caller gives none: `timeout` of the settings, or 10."""
        own = getattr(self.settings, "timeout", None)
        return float(own) if isinstance(own, int | float) and own > 0 else DEFAULT_TIMEOUT

    def identity(self) -> JsonValue:
        """What its verdicts depend on, apart from name and version. Its hash is stored with every verdict."""
        settings: JsonValue = self.settings.model_dump(mode="json")
        return settings

    def warm(self) -> None:
        """Do slow imports now; called once in each worker before its first row."""
        return None

    def read_reference(self, reference: Mapping[str, JsonValue]) -> Any:
        """The reference as `verify` is given it: validated by `Reference`, or a dict where the class declares none.
        Raises BadReference or pydantic.ValidationError where it does not fit."""
        return dict(reference) if self.Reference is AnyReference else self.Reference.model_validate(reference)

    def check_reference(self, reference: Mapping[str, JsonValue]) -> None:
        """Asked before a run. Raises as `read_reference`, and where nothing could be accepted with the reference."""
        self.read_reference(reference)

    @abstractmethod
    def verify(self, asked: Asked) -> Verdict:
        """Judge one completion. May raise: that is a fault, not a rejection."""

    def verify_many(self, asked: Sequence[Asked]) -> Sequence[Verdict]:
        """The batch form: one verdict each, in order. Called with at most `batch`, where a class has its own."""
        return [self.verify(one) for one in asked]

    @classmethod
    def has_batch_form(cls) -> bool:
        """Whether the class has a `verify_many` of its own."""
        return cls.verify_many is not Verifier.verify_many


Decorated = TypeVar("Decorated", bound=Callable[..., Verdict])


class FunctionVerifier(Verifier):
    """A verifier that is one function; `@verifier` makes a subclass for each."""

    function: ClassVar[Callable[..., Verdict]]
    named: ClassVar[frozenset[str]]
    """Which of `prompt` and `timeout` the function is given by name."""

    def verify(self, asked: Asked) -> Verdict:
        more = {name: getattr(asked, name) for name in self.named}
        return type(self).function(asked.reference, asked.completion, **more)


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

    `reference` is the pydantic model that validates the reference; without one it is a plain dict.
    """

    def declare(function: Decorated) -> Decorated:
        body = {
            "name": name,
            "version": version,
            "judges": judges or (inspect.getdoc(function) or "").partition("\n")[0],
            "does_not_catch": does_not_catch,
            "Reference": reference,
            "needs": needs,
            "function": staticmethod(function),
            "named": _named_by(function),
            "__doc__": function.__doc__,
            "__module__": function.__module__,
        }
        function.__verifier__ = type(function.__name__, (FunctionVerifier,), body)  # type: ignore[attr-defined]
        function.name = name  # type: ignore[attr-defined]
        return function

    return declare


def _named_by(function: Any) -> frozenset[str]:
    """Which of `prompt` and `timeout` a function names itself, or through what it wraps where it takes any keyword."""
    try:
        parameters = inspect.signature(function, follow_wrapped=False).parameters
    except (TypeError, ValueError):
        return frozenset()
    named = frozenset(parameters) & {"prompt", "timeout"}
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        named |= _named_by(getattr(function, "__wrapped__", None))
    return named
