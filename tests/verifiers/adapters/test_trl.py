"""TRL's own GRPOTrainer with a verifier as its reward, on a tiny model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from selfplay.models.folders import ModelInit, create
from selfplay.verifiers.adapters.trl import reward_function

TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"


@pytest.mark.slow
@pytest.mark.parametrize("chat", [False, True], ids=["plain", "chat"])
def test_grpo_trains_on_verdicts(chat: bool, first_letter: str, tmp_path: Path) -> None:
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    folder = create(ModelInit(hidden_size=32, layers=1, heads=1, context=64), tmp_path / "model", seed=0)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    before = model.lm_head.weight.detach().clone()
    if chat:
        tokenizer.chat_template = TEMPLATE
    prompts: list[Any] = [f"{n} + {n} =" for n in range(8)]
    if chat:
        prompts = [[{"role": "user", "content": text}] for text in prompts]
    rows = Dataset.from_dict({"prompt": prompts, "reference": [{"upto": "M"}] * 8})
    judge = reward_function(first_letter)
    seen: list[tuple[str, float | None]] = []

    def letters(completions: list[Any], **columns: Any) -> list[float | None]:
        rewards = judge(completions=completions, **columns)
        texts = [one[0]["content"] if chat else one for one in completions]
        seen.extend(zip(texts, rewards, strict=True))
        return rewards

    trainer = GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        reward_funcs=letters,
        train_dataset=rows,
        args=GRPOConfig(
            output_dir=str(tmp_path / "out"),
            max_steps=2,
            per_device_train_batch_size=16,
            num_generations=8,
            max_completion_length=4,
            learning_rate=0.01,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            bf16=False,
            seed=0,
        ),
    )
    trainer.train()
    judge.close()
    assert len(seen) == 32
    for text, reward in seen:
        undecided = not text or text[0].islower()
        assert reward == (None if undecided else float(text[0] <= "M")), text
    assert {reward for _, reward in seen} == {1.0, 0.0, None}
    steps = [entry for entry in trainer.state.log_history if "reward" in entry]
    assert len(steps) == 2
    for number, entry in enumerate(steps):
        rewards = [reward for _, reward in seen[16 * number : 16 * number + 16]]
        decided = [reward for reward in rewards if reward is not None]
        assert entry["reward"] == pytest.approx(sum(decided) / len(decided), abs=1e-4)  # undecided is not counted as 0
        assert entry["first_letter/undecided"] == pytest.approx(rewards.count(None) / 16)
        assert entry["first_letter/fault"] == 0
    assert not before.equal(trainer.model.lm_head.weight.detach().cpu())
