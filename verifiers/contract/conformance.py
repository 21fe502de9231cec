"""Whether what a plugin declares keeps the contract of verifier.py; asked when it is found, before anything runs.

What is covered: mistakes that would come out row by row, as faults, or not at all: a name that cannot be typed, a
`verify` that takes other arguments or has to be awaited, a `batch` that is no number. What is not covered: what it does
with what it is given.
"""

from __future__ import annotations

import inspect
from typing import Any

from pydantic import BaseModel

from selfplay.verifiers.contract.needs import Needs
from selfplay.verifiers.contract.verifier import NOTHING, AnyReference, NoSettings, Verifier
from selfplay.verifiers.errors import BrokenVerifier

OFFERED = {"verify": ("prompt", "timeout"), "verify_many": ("prompts", "timeout")}
"""What each form is given by name where it names it, beside reference and completion."""
GIVEN = {"verify": "reference, completion", "verify_many": "references, completions"}


def declared_class(found: object, where: str) -> type[Verifier]:
    """The verifier class behind what an entry point or file names.

    Args:
        where: the plugin and its package or file, as the subject of a sentence.

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
    name: Any = declared.name  # type: ignore[attr-defined]
    if not isinstance(name, str) or " " in name or not name.isprintable():
        raise BrokenVerifier(f"{where} has the name {name!r}; give it a text without white space, such as `palindrome`")
    for key in ("judges", "does_not_catch"):
        if not isinstance(getattr(declared, key, None) or "", str):
            raise BrokenVerifier(f"{where} has a `{key}` that is no text; say it in one line")
    for key, kind in (("Reference", AnyReference), ("Settings", NoSettings)):
        model = getattr(declared, key, kind)
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise BrokenVerifier(f"{where} has a `{key}` that is no pydantic model; derive it from pydantic.BaseModel")
    for key in OFFERED:
        _check_form(declared, key, where, "" if found is declared else getattr(found, "__name__", ""))
    for key in ("needs", "batch"):
        value = getattr(declared, key, None)
        if value is not None and not hasattr(type(value), "__get__"):  # a property says it of the instance alone
            _check_value(key, value, where)
    return declared


def check_built(plugin: object, where: str) -> None:
    """Whether an instance, whose settings may decide, says rightly what it needs and takes at once.

    Raises:
        BrokenVerifier: it does not.
    """
    _check_value("needs", getattr(plugin, "needs", NOTHING), where)
    batch: Any = getattr(plugin, "batch", None) or 0
    _check_value("batch", batch, where)
    if callable(getattr(plugin, "verify_many", None)) and batch < 1:
        raise BrokenVerifier(
            f"{where} has `verify_many` and the `batch` {batch}, so it would never be called; say how many completions "
            "it takes at most, such as `batch = 64`"
        )


def _check_value(key: str, value: object, where: str) -> None:
    if key == "needs" and not isinstance(value, Needs):
        raise BrokenVerifier(f"{where} has `needs` that are no selfplay.verifiers.Needs; write needs = Needs(...)")
    if key == "batch" and (isinstance(value, bool) or not hasattr(type(value), "__index__")):
        raise BrokenVerifier(f"{where} has the `batch` {value!r:.100}; write a whole number, such as `batch = 64`")


def _check_form(declared: type, key: str, where: str, function_name: str) -> None:
    """Whether `verify` or `verify_many` can be called as a worker calls it, and gives verdicts."""
    function = getattr(declared, key, None)
    if function is None:
        return
    static = inspect.getattr_static(declared, key)
    bound = hasattr(type(static), "__get__") and not isinstance(static, staticmethod | classmethod)
    form = f"def {function_name or key}({'self, ' * bound}{GIVEN[key]})"
    if not callable(function) or getattr(function, "__isabstractmethod__", False):
        raise BrokenVerifier(f"{where} has no `{key}` that can be called; write `{form}`")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise BrokenVerifier(
            f"{where} has an `async` {key}, which nobody awaits; write `{form}`, with `asyncio.run(...)` in it"
        )
    if inspect.isgeneratorfunction(function) and key == "verify":
        raise BrokenVerifier(f"{where} has a {key} that yields; write `{form}`, and return one Verdict")
    signature = _own_signature(function)
    if signature is None:
        return
    try:
        signature.bind(*[None] * (2 + bound), **dict.fromkeys(asked_for(function, OFFERED[key])))
    except TypeError as error:
        takes = ", ".join(signature.parameters) or "nothing"
        raise BrokenVerifier(
            f"{where} has a {key} that takes {takes:.200} and cannot be called with {GIVEN[key]} ({error}); "
            f"write `{form}`, and give further parameters a default"
        ) from None


def asked_for(function: Any, names: tuple[str, ...]) -> frozenset[str]:
    """Which of these arguments a function can be given by name, and names itself or through what it wraps.

    A wrapper that takes any argument (`**kwargs`) hands it on, so what is wrapped decides; one that does not must not
    be given what it leaves out, whatever is inside.
    """
    found, left = set[str](), set(names)
    seen = set[int]()
    while function is not None and left and id(function) not in seen:
        seen.add(id(function))
        signature = _own_signature(function)
        if signature is None:
            break
        found |= left & signature.parameters.keys()
        if all(parameter.kind is not parameter.VAR_KEYWORD for parameter in signature.parameters.values()):
            break
        left -= found
        function = getattr(function, "__wrapped__", None)
    return frozenset(found)


def _own_signature(function: Any) -> inspect.Signature | None:
    """How a callable is called itself, and not what it wraps; None where it cannot say."""
    try:
        return inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        return None
