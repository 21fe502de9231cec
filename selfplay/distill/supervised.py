"""Supervised fine-tuning on the kept samples, as a method that a config names. sft.py does the work."""

from __future__ import annotations

from typing import ClassVar

from selfplay.distill.method import Method, OnStep, TrainingJob, TrainingResult


class Supervised(Method):
    """Cross-entropy on the completions, full weights."""

    name: ClassVar[str] = "supervised"
    about: ClassVar[str] = "supervised fine-tuning on the kept samples, full weights, by TRL's SFTTrainer"

    def train(self, job: TrainingJob, on_step: OnStep) -> TrainingResult:
        from selfplay.distill import sft

        return sft.train(job, on_step)
