"""How a prompt becomes tokens, in sampling and in training alike.

A chat model reads its prompt as a user's message through the tokenizer's chat template, any other as it stands. Engines
take `prompt_ids`; the trainer takes `training_row`, from which TRL makes the same prompt tokens.
"""

from __future__ import annotations

from typing import Any

from selfplay.errors import ModelError


def uses_chat(tokenizer: Any, chat: bool | None) -> bool:
    """Whether prompts go through the chat template; None means exactly when the tokenizer has one.

    Raises ModelError: chat is asked for, and the tokenizer has no template.
    """
    has_template = bool(tokenizer.chat_template)
    if chat and not has_template:
        raise ModelError(
            f"`model.chat` is true, but the tokenizer of {tokenizer.name_or_path} has no chat template; "
            "leave `chat` unset, or save a template with the tokenizer"
        )
    return has_template if chat is None else chat


def prompt_ids(tokenizer: Any, prompt: str, chat: bool) -> list[int]:
    """Token ids of a prompt, up to where the completion begins.

    Plain prompts get what the tokenizer adds on its own (Llama's begin-of-text, say), as they do in TRL.
    """
    if chat:
        message = [{"role": "user", "content": prompt}]
        encoded = tokenizer.apply_chat_template(message, add_generation_prompt=True, return_dict=True)
    else:
        # Not verbose: a prompt longer than the context is the engine's to report.
        encoded = tokenizer(prompt, verbose=False)
    return list(encoded["input_ids"])


def training_row(prompt: str, completion: str, chat: bool) -> dict[str, Any]:
    """A TRL prompt/completion row: messages for a chat model, else strings.

    TRL appends the tokenizer's end token to a plain completion, and the template ends a message; so neither
    is here. A tokenizer that merges characters across the border of a plain prompt and its completion makes
    TRL begin the completion a token earlier, and it warns; prompts that end in a line break avoid that.
    """
    if chat:
        return {
            "prompt": [{"role": "user", "content": prompt}],
            "completion": [{"role": "assistant", "content": completion}],
        }
    return {"prompt": prompt, "completion": completion}
