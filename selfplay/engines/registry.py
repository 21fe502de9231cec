"""Which engine an experiment gets: by name through the entry-point group `selfplay.engines`, or `path/to/file.py:name`.

Heavy libraries are imported when an engine is made, and only those of the one that is used.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Mapping

from pydantic import ValidationError

from selfplay.engines.engine import Engine
from selfplay.engines.engine_settings import EngineSettings
from selfplay.errors import EngineError
from selfplay.tasks.plugins import Found, PluginGroup
from selfplay.verifiers.errors import first_complaint

log = logging.getLogger(__name__)


def _declared(found: Found) -> type[Engine]:
    value, where = found.value, found.where
    if not (isinstance(value, type) and issubclass(value, Engine)):
        raise EngineError(f"{where} is not a subclass of selfplay.engines.engine.Engine")
    missing = sorted(getattr(value, "__abstractmethods__", ()))
    if missing or not isinstance(getattr(value, "kind", None), str):
        raise EngineError(f"{where} lacks `{(missing or ['kind'])[0]}`; engines/engine.py says what an engine has")
    return value


ENGINES = PluginGroup("selfplay.engines", "engine", unknown=EngineError, broken=EngineError, declared=_declared)


def resolve_kind(settings: EngineSettings) -> str:
    """The kind that `auto` stands for on this machine; says so in one line where it is not vLLM.

    Raises EngineError: vLLM is asked for and not installed.
    """
    installed = importlib.util.find_spec("vllm") is not None
    if settings.kind == "vllm" and not installed:
        raise EngineError(
            "`engine.kind` is vllm, which is not installed; run `make install` in the checkout (on Linux it "
            "brings vLLM), or set `engine.kind: auto`"
        )
    if settings.kind != "auto":
        return settings.kind
    if not installed:
        log.warning("vLLM is not installed here: the transformers engine writes the completions")
    return "vllm" if installed and settings.dtype != "float64" else "transformers"


def make_engine(settings: EngineSettings, *, chat: bool | None = None, trust_remote_code: bool = False) -> Engine:
    """An engine (see `Engine`) that holds no weights yet; EngineError: no such kind, or options it does not take."""
    kind = ENGINES.find(resolve_kind(settings))
    check_options(kind, settings.options)
    return kind(settings, chat=chat, trust_remote_code=trust_remote_code)


def check_options(kind: type[Engine], options: Mapping[str, object]) -> None:
    """Refuse `engine.options` that an engine does not take: an EngineError names the key and those that there are."""
    try:
        kind.Options.model_validate(options)
    except ValidationError as error:
        known = ", ".join(f"`{key}`" for key in kind.Options.model_fields) or "none"
        raise EngineError(f"engine.options, {first_complaint(error)}; {kind.kind} has these keys: {known}") from None
