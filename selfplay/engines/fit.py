"""Which requests an engine can serve, decided alike by all engines."""

from __future__ import annotations

from typing import Any

from selfplay.engines.protocol import Completion, Request
from selfplay.models.prompts import prompt_ids

DEFAULT_BATCH = 256
"""Completions written at the same time where the settings name no number."""


def fitting_ids(tokenizer: Any, request: Request, chat: bool, context: int | None) -> list[int] | Completion:
    """Token ids of the prompt, or the refusal of a request that cannot be served.

    Args:
        context: prompt and completion together, in tokens; None: not known, so nothing is too long.
    """
    try:
        request.prompt.encode("utf-8")
    except UnicodeEncodeError as error:
        return _refused(request, f"the prompt has a lone surrogate at character {error.start}")
    ids = prompt_ids(tokenizer, request.prompt, chat)
    if not ids:
        return _refused(request, "the prompt is empty")
    if context is not None and len(ids) >= context:
        return _refused(request, f"the prompt has {len(ids)} tokens and leaves no room in a context of {context}")
    return ids


def _refused(request: Request, why: str) -> Completion:
    return Completion(request.id, "", "refused", 0, why)
