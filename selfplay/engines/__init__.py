"""Engines: what writes completions. One protocol, three kinds: vLLM, transformers, an OpenAI-compatible server."""

from __future__ import annotations

from selfplay.engines.engine import Completion, Engine, ProbeResult, Request
from selfplay.engines.engine_settings import EngineSettings, SamplingSettings
from selfplay.engines.registry import make_engine, resolve_kind

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
