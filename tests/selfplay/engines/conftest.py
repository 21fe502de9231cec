"""Two tiny models that differ, shared by the tests of all engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfplay.engines import Request
from selfplay.models import ModelInit, create


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    init = ModelInit(hidden_size=64, layers=2, heads=2, context=128)
    root = tmp_path_factory.mktemp("engine-models")
    return create(init, root / "first", seed=0), create(init, root / "second", seed=1)


@pytest.fixture(scope="session")
def requests() -> list[Request]:
    """Prompts of very different lengths, so that batches need padding."""
    return [Request(f"r{at}", f"{'1 + ' * (at % 9)}{at} = ", seed=1000 + at) for at in range(120)]
