"""Sampling and training see the same tokens, plain and with a chat template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from selfplay.errors import ModelError
from selfplay.models.folders import ModelInit, create
from selfplay.models.prompts import prompt_ids, training_row, uses_chat

TEMPLATE = (
    "{% for message in messages %}[{{ message['role'] }}]{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return create(ModelInit(hidden_size=32, layers=1, heads=1, context=128), tmp_path_factory.mktemp("m") / "tiny", 0)


def tokenizer_of(folder: Path, template: str | None) -> Any:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = template
    return tokenizer


def trained_tokens(folder: Path, tokenizer: Any, row: dict[str, Any], output: Path) -> tuple[list[int], list[int]]:
    """The prompt's and the completion's token ids, as TRL's trainer prepares them."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(folder),
        args=SFTConfig(
            output_dir=str(output), max_length=None, use_cpu=True, report_to="none", completion_only_loss=True
        ),
        train_dataset=Dataset.from_list([row]),
        processing_class=tokenizer,
    )
    (prepared,) = trainer.train_dataset
    begins = next(at for at, label in enumerate(prepared["labels"]) if label != -100)
    return prepared["input_ids"][:begins], prepared["input_ids"][begins:]


def test_a_plain_prompt_is_read_as_it_stands(folder: Path) -> None:
    tokenizer = tokenizer_of(folder, None)
    ids = prompt_ids(tokenizer, "1 + 2 = ", chat=False)
    assert tokenizer.decode(ids) == "1 + 2 = "


def test_a_chat_prompt_ends_where_the_assistant_begins(folder: Path) -> None:
    tokenizer = tokenizer_of(folder, TEMPLATE)
    ids = prompt_ids(tokenizer, "1 + 2 = ", chat=True)
    assert tokenizer.decode(ids) == "[user]1 + 2 = \n[assistant]"


@pytest.mark.slow
@pytest.mark.parametrize("template", [None, TEMPLATE], ids=["plain", "chat"])
def test_the_trainer_sees_the_tokens_that_are_sampled(folder: Path, tmp_path: Path, template: str | None) -> None:
    tokenizer = tokenizer_of(folder, template)
    chat = uses_chat(tokenizer, None)
    prompt, completion = "2 * (3 + 4) =\n", " 14"
    trained_prompt, trained_completion = trained_tokens(
        folder, tokenizer, training_row(prompt, completion, chat), tmp_path
    )
    assert trained_prompt == prompt_ids(tokenizer, prompt, chat)
    end = trained_completion.index(tokenizer.eos_token_id)
    assert tokenizer.decode(trained_completion[:end]) == completion
    assert trained_completion.count(tokenizer.eos_token_id) == 1


def test_chat_follows_the_tokenizer_unless_told(folder: Path) -> None:
    plain, chat = tokenizer_of(folder, None), tokenizer_of(folder, TEMPLATE)
    assert [uses_chat(plain, None), uses_chat(plain, False)] == [False, False]
    assert [uses_chat(chat, None), uses_chat(chat, True), uses_chat(chat, False)] == [True, True, False]


def test_chat_without_a_template_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"`model.chat` is true.*no chat template"):
        uses_chat(tokenizer_of(folder, None), True)
