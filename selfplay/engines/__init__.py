"""Engines: what writes completions. One protocol, three kinds: vLLM, transformers, an OpenAI-compatible
server."""

from __future__ import annotations

from selfplay.engines.protocol import Completion, Engine, ProbeResult, Request
from selfplay.engines.registry import make_engine, resolve_kind
from selfplay.engines.settings import EngineSettings, SamplingSettings

__all__ = [
    "Completion",
    "Engine",
    "EngineSettings",
    "ProbeResult",
    "Request",
    "SamplingSettings",
    "make_engine",
    "resolve_kind",
]
