"""Which engine an experiment gets. The heavy libraries are imported only here, and only the one that is
used."""

from __future__ import annotations

import importlib.util
import logging
from typing import Literal

from selfplay.engines.protocol import Engine
from selfplay.engines.settings import EngineSettings
from selfplay.errors import EngineError

log = logging.getLogger(__name__)


def resolve_kind(settings: EngineSettings) -> Literal["vllm", "transformers", "server"]:
    """The kind that `auto` stands for on this machine; says so in one line where it is not vLLM.

    Raises:
        EngineError: vLLM is asked for and not installed.
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
    """An engine that holds no weights yet.

    Args:
        settings: the `engine` section.
        chat: use the tokenizer's chat template; None: exactly when it has one.
        trust_remote_code: run Python code that comes with the model.
    """
    kind = resolve_kind(settings)
    if kind == "vllm":
        from selfplay.engines.vllm_engine import VllmEngine

        return VllmEngine(settings, chat=chat, trust_remote_code=trust_remote_code)
    if kind == "transformers":
        from selfplay.engines.transformers_engine import TransformersEngine

        return TransformersEngine(settings, chat=chat, trust_remote_code=trust_remote_code)
    from selfplay.engines.server_engine import ServerEngine

    return ServerEngine(settings, chat=chat, trust_remote_code=trust_remote_code)
