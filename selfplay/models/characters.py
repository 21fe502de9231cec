"""The character tokenizer of models made here: one token for each printable ASCII character and the newline.

Any other character becomes the unknown token. Nothing is added to a text on its own. The special tokens are
written with ⟨ and ⟩, which are not in the vocabulary: no completion can spell one, and no ASCII prompt
contains one.
"""

from __future__ import annotations

from typing import Any

SPECIAL = {"pad_token": "⟨pad⟩", "bos_token": "⟨bos⟩", "eos_token": "⟨eos⟩", "unk_token": "⟨unk⟩"}
CHARACTERS = ["\n", *(chr(code) for code in range(32, 127))]
VOCABULARY = {token: index for index, token in enumerate([*SPECIAL.values(), *CHARACTERS])}


def character_tokenizer(context: int) -> Any:
    """A `PreTrainedTokenizerFast` of 100 tokens that loads with AutoTokenizer and in vLLM."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.WordLevel(VOCABULARY, unk_token=SPECIAL["unk_token"]))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    backend.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=context,
        model_input_names=["input_ids", "attention_mask"],
        padding_side="left",
        clean_up_tokenization_spaces=False,
        **SPECIAL,
    )
