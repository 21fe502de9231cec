"""A tiny experiment that runs for real in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from selfplay.config import Experiment


@pytest.fixture
def tiny(tmp_path: Path) -> dict[str, Any]:
    """A small quickstart as plain data: both task families, transformers engine, two arms, one generation."""
    return {
        "name": "tiny",
        "output": str(tmp_path / "runs"),
        "generations": 1,
        "model": {"init": {"hidden_size": 32, "layers": 1, "heads": 1, "context": 128}},
        "engine": {"kind": "transformers"},
        "tasks": [
            {"source": "polynomials", "examples": 20, "problems": 12},
            {"source": "list_functions", "examples": 20, "problems": 12},
        ],
        "verify": {"math": {"answer": "whole"}, "code": {"timeout": 2}},
        "sampling": {"n": 2, "max_tokens": 24},
        "distill": {"steps": 4, "batch_size": 8},
        "evaluate": {"problems": 10},
        "arms": [
            {"name": "human-only", "data": "human"},
            {"name": "unfiltered", "data": "human+synthetic", "keep": "all"},
            {"name": "verified", "data": "human+synthetic", "keep": "verified"},
            {"name": "random-filter", "data": "human+synthetic", "keep": {"random_as_many_as": "unfiltered"}},
            {"name": "mixed", "data": "human+synthetic", "keep": "all", "human": {"share": 0.25}},
        ],
    }


@pytest.fixture
def experiment(tiny: dict[str, Any]) -> Experiment:
    return Experiment.model_validate(tiny)
