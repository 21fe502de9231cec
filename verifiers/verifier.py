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
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from tasks.problem import content_hash
from verifiers.errors import BadReference, BadSettings, BrokenVerifier, first_complaint
from verifiers.verdict import Verdict

OPTIONAL_ARGUMENTS = frozenset({"prompt", "timeout"})


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
) -> Callable[[Decorated], Decorated]:
    """Declare a function `(reference, completion) -> Verdict` to be a verifier. The function stays callable.

    Args:
        reference: pydantic model that the reference is validated with; without one it is a plain dict.
    """

    def declare(function: Decorated) -> Decorated:
        body = {
            "name": name,
            "version": version,
            "judges": judges or (inspect.getdoc(function) or "").partition("\n")[0],
            "does_not_catch": does_not_catch,
            "Reference": reference,
            "verify": staticmethod(function),
            "__doc__": function.__doc__,
            "__module__": function.__module__,
        }
        function.__verifier__ = type(function.__name__, (Verifier,), body)  # type: ignore[attr-defined]
        function.name = name  # type: ignore[attr-defined]
        return function

    return declare


def declared_class(found: object, where: str) -> type[Verifier]:
    """The verifier class behind what an entry point or file names.

    Raises:
        BrokenVerifier: it is neither a decorated function nor a class that keeps the contract.
    """
    declared = getattr(found, "__verifier__", found)
    if not isinstance(declared, type):
        raise BrokenVerifier(
            f"{where} is no class or function under @verifier; put `@verifier(name=..., version=...)` on it"
        )
    missing = [key for key in ("name", "version", "verify") if not getattr(declared, key, None)]
    if missing:
        raise BrokenVerifier(f"{where} lacks `{missing[0]}`; a verifier class has name, version and verify()")
    return declared


@dataclass(frozen=True)
class LoadedVerifier:
    """A verifier with its settings resolved, ready to judge in this process and without limits.

    `Supervisor` is what judges under limits; this is what it runs inside its workers.
    """

    plugin: Verifier
    name: str
    version: str
    settings: BaseModel
    settings_hash: str
    """16 hex digits of the canonical JSON of the resolved settings."""
    arguments: frozenset[str]
    """Which of `prompt` and `timeout` the plugin asks for."""

    @property
    def sandbox_level(self) -> str | None:
        return getattr(self.plugin, "sandbox_level", None)

    def warm(self) -> None:
        warm = getattr(self.plugin, "warm", None)
        if warm is not None:
            warm()

    def verify(
        self,
        reference: Mapping[str, JsonValue],
        completion: str,
        *,
        prompt: str | None = None,
        timeout: float | None = None,
    ) -> Verdict:
        """Validate the reference and judge.

        Raises:
            BadReference: the reference does not fit the verifier's model.
            TypeError: the plugin returned something that is no `Verdict`.
            Exception: whatever the plugin raises.
        """
        offered = {"prompt": prompt, "timeout": timeout}
        extra = {key: value for key, value in offered.items() if key in self.arguments}
        verdict = self.plugin.verify(self.read_reference(reference), completion, **extra)
        if not isinstance(verdict, Verdict):
            raise TypeError(f"{self.name} returned {type(verdict).__name__} where a Verdict is due")
        return verdict

    def read_reference(self, reference: Mapping[str, JsonValue]) -> Any:
        """The reference as the plugin's own model (or as a dict where it declares none)."""
        model = getattr(self.plugin, "Reference", AnyReference)
        if model is AnyReference:
            return dict(reference)
        try:
            return model.model_validate(reference)
        except ValidationError as error:
            raise BadReference(
                f"the reference does not fit the {self.name} verifier, {first_complaint(error)}"
            ) from error


def build(declared: type[Verifier], settings: Mapping[str, JsonValue]) -> LoadedVerifier:
    """Resolve the settings and build the verifier.

    Raises:
        BadSettings: an unknown key or a wrong value; names the key and the known keys.
    """
    model = getattr(declared, "Settings", NoSettings)
    try:
        resolved = model.model_validate(settings)
    except ValidationError as error:
        known = ", ".join(f"`{key}`" for key in model.model_fields) or "none"
        raise BadSettings(
            f"settings of the {declared.name} verifier, {first_complaint(error)}; it has these keys: {known}"
        ) from error
    names = set(inspect.signature(declared.verify).parameters)
    return LoadedVerifier(
        plugin=declared(resolved),
        name=declared.name,
        version=str(declared.version),
        settings=resolved,
        settings_hash=content_hash(resolved.model_dump(mode="json")),
        arguments=frozenset(names & OPTIONAL_ARGUMENTS),
    )
