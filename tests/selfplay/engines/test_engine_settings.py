"""The engine's keys: refused where they contradict each other, and light to import."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from selfplay.engines.engine_settings import EngineSettings, SamplingSettings
from selfplay.engines.registry import make_engine, resolve_kind
from selfplay.errors import EngineError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "server"}, "needs `url`"),
        ({"kind": "vllm", "url": "http://127.0.0.1:1/v1"}, "`url` is for `kind: server`"),
        ({"kind": "vllm", "dtype": "float64"}, "vLLM has no float64"),
        ({"replicas": 0}, "greater than or equal to 1"),
        ({"gpus": 2}, "Extra inputs"),
    ],
)
def test_contradictions_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        EngineSettings.model_validate(settings)


@pytest.mark.parametrize(
    "change", [{"temperature": 0.001}, {"temperature": -1}, {"top_p": 0}, {"top_p": 1.1}, {"max_tokens": 0}]
)
def test_impossible_sampling_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        SamplingSettings.model_validate({"max_tokens": 8, **change})


def test_a_named_kind_is_taken_as_it_is() -> None:
    assert resolve_kind(EngineSettings(kind="transformers")) == "transformers"
    assert make_engine(EngineSettings(kind="transformers")).kind == "transformers"


def test_without_vllm_auto_says_what_writes_instead(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # None in sys.modules is how Python marks a module that cannot be imported.
    monkeypatch.setitem(sys.modules, "vllm", None)
    assert resolve_kind(EngineSettings()) == "transformers"
    assert caplog.messages == ["vLLM is not installed here: the transformers engine writes the completions"]
    with pytest.raises(EngineError, match="run `make install`"):
        resolve_kind(EngineSettings(kind="vllm"))


def test_settings_and_protocol_import_nothing_heavy() -> None:
    script = (
        "import sys, selfplay.engines, selfplay.models.folders, selfplay.models.prompts;"
        "import selfplay.engines.proof_of_weights;"
        "print(sorted({'torch', 'vllm', 'transformers', 'openai', 'tokenizers', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
