"""Finding verifiers: by name through the entry-point group `selfplay.verifiers`, or by `path/to/file.py:name`.

Built-in verifiers are found in the same way as plugins; tasks/plugins.py says what is covered. What is found is checked
against the contract of verifier.py before anything runs. What a verifier does with its arguments is not checked.
"""

from __future__ import annotations

import inspect
from typing import Any

from pydantic import BaseModel

from selfplay.tasks.plugins import Found, PluginGroup
from selfplay.verifiers.contract.verifier import FunctionVerifier, Needs, Verifier
from selfplay.verifiers.errors import BrokenVerifier, UnknownVerifier


def _declared(found: Found) -> type[Verifier]:
    """The verifier class behind what an entry point or a file names. Raises BrokenVerifier where it breaks the
    contract."""
    where, declared = found.where, getattr(found.value, "__verifier__", found.value)
    if not isinstance(declared, type):
        raise BrokenVerifier(
            f"{where} is no class or function under @verifier; put `@verifier(name=..., version=...)` on it"
        )
    if not issubclass(declared, Verifier):
        raise BrokenVerifier(
            f"{where} does not inherit selfplay.verifiers.Verifier; write `class {declared.__name__}(Verifier)`"
        )
    for key, such_as in (("name", "palindrome"), ("version", "1")):
        text: Any = getattr(declared, key, None)
        if not text:
            raise BrokenVerifier(f'{where} has no `{key}`; give it one, such as `{key} = "{such_as}"`')
        if not isinstance(text, str) or " " in text or not text.isprintable():
            raise BrokenVerifier(
                f"{where} has the {key} {text!r}; give it a text without white space, such as `{such_as}`"
            )
    for key in ("Reference", "Settings"):
        model = getattr(declared, key)
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise BrokenVerifier(f"{where} has a `{key}` that is no pydantic model; derive it from pydantic.BaseModel")
    if issubclass(declared, FunctionVerifier):
        function = declared.function
        _check_form(function, "verify", where, function.__name__, ("reference", "completion"), named=declared.named)
    else:
        for key in ("verify", "verify_many"):
            static = inspect.getattr_static(declared, key)
            bound = hasattr(type(static), "__get__") and not isinstance(static, staticmethod | classmethod)
            _check_form(getattr(declared, key), key, where, key, ("self", "asked") if bound else ("asked",))
    _check_needs(declared.needs, where)
    return declared


VERIFIERS = PluginGroup(
    "selfplay.verifiers", "verifier", unknown=UnknownVerifier, broken=BrokenVerifier, declared=_declared
)


def check_built(plugin: Verifier) -> None:
    """Check `needs` and `batch` of an instance, which its settings may decide. Raises BrokenVerifier."""
    where = f"the {plugin.name} verifier"
    _check_needs(plugin.needs, where)
    batch: object = plugin.batch
    if batch is not None and (isinstance(batch, bool) or not hasattr(type(batch), "__index__")):
        raise BrokenVerifier(f"{where} has the `batch` {batch!r:.100}; write a whole number, such as `batch = 64`")
    if plugin.has_batch_form() and (plugin.batch or 0) < 1:
        raise BrokenVerifier(
            f"{where} has `verify_many` and the `batch` {plugin.batch}, so it would never be called; say how many "
            "completions it takes at most, such as `batch = 64`"
        )


def _check_needs(needs: object, where: str) -> None:
    if not isinstance(needs, Needs):
        raise BrokenVerifier(f"{where} has `needs` that are no selfplay.verifiers.Needs; write needs = Needs(...)")


def _check_form(
    function: Any, key: str, where: str, name: str, given: tuple[str, ...], named: frozenset[str] = frozenset()
) -> None:
    """Whether a worker can call it, with the arguments `given` in order and `named` by name, and gets a verdict."""
    form = f"def {name}({', '.join(given)})"
    if not callable(function) or getattr(function, "__isabstractmethod__", False):
        raise BrokenVerifier(f"{where} has no `{key}` that can be called; write `{form}`")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise BrokenVerifier(
            f"{where} has an `async` {key}, which is never awaited; write `{form}`, with `asyncio.run(...)` in it"
        )
    if inspect.isgeneratorfunction(function) and key == "verify":
        raise BrokenVerifier(f"{where} has a {key} that yields; write `{form}`, and return one Verdict")
    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        return  # it cannot say how it is called
    try:
        signature.bind(*given, **dict.fromkeys(named))
    except TypeError as error:
        takes, called_with = ", ".join(signature.parameters) or "nothing", ", ".join(given).removeprefix("self, ")
        raise BrokenVerifier(
            f"{where} has a {key} that takes {takes:.200} and cannot be called with {called_with} ({error}); "
            f"write `{form}`, and give further parameters a default"
        ) from None
