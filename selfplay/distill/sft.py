"""Supervised fine-tuning on the kept samples, by TRL's SFTTrainer.

The loss covers the completion alone (and its end-of-sequence token), never the prompt. Rows longer than
`max_length` are left out and counted: cutting a row would teach a solution without its answer.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from pathlib import Path
from typing import Any, ClassVar

from selfplay.distill.method import Method, OnStep, TrainingJob, TrainingResult, unfinished_name
from selfplay.engines.engine import set_threads
from selfplay.errors import LossNotFinite, TrainingError
from selfplay.models.folders import make_readable
from selfplay.models.prompts import prompt_ids, training_row, uses_chat

_NOT_FINITE = "The training loss was not finite; lower `distill.learning_rate`."


class Supervised(Method):
    """Cross-entropy on the completions, full weights."""

    name: ClassVar[str] = "supervised"
    about: ClassVar[str] = "supervised fine-tuning on the kept samples, full weights, by TRL's SFTTrainer"

    def train(self, job: TrainingJob, on_step: OnStep) -> TrainingResult:
        import datasets
        import torch
        import transformers
        import trl

        began = time.monotonic()
        datasets.disable_progress_bars()
        transformers.utils.logging.disable_progress_bar()
        transformers.set_seed(job.seed)
        model = transformers.AutoModelForCausalLM.from_pretrained(
            job.start, dtype=torch.float32, use_safetensors=True, trust_remote_code=job.trust_remote_code
        )
        settings = job.settings
        cuda = torch.cuda.is_available()
        can = cuda and torch.cuda.is_bf16_supported()
        bfloat16 = can if settings.precision == "auto" else settings.precision == "bfloat16"
        set_threads(settings.threads, job.start)
        tokenizer = transformers.AutoTokenizer.from_pretrained(job.start, trust_remote_code=job.trust_remote_code)
        chat = uses_chat(tokenizer, job.chat)
        rows, too_long, tokens = _rows(
            job, tokenizer, chat, settings.max_length or model.config.max_position_embeddings
        )
        before = _sums_of_weights(model)
        losses: list[float] = []
        trainer = trl.SFTTrainer(
            model=model,
            args=_arguments(job, bfloat16=bfloat16, cuda=cuda),
            train_dataset=rows,
            processing_class=tokenizer,
            callbacks=[_watch(losses, on_step)],
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
        if not all(map(math.isfinite, losses)):
            raise LossNotFinite(_NOT_FINITE)
        if trainer.state.global_step != settings.steps:
            raise TrainingError(f"Training ended after {trainer.state.global_step} of {settings.steps} steps.")
        after = _sums_of_weights(model)
        if not losses or not all(map(math.isfinite, after)):
            raise LossNotFinite(_NOT_FINITE)
        if before == after:
            raise TrainingError(f"{settings.steps} steps changed no weight; raise `distill.learning_rate`.")
        last = losses[-max(1, len(losses) // 10) :]
        result = TrainingResult(
            steps=settings.steps,
            rows=len(rows),
            too_long=too_long,
            tokens=tokens,
            loss=sum(last) / len(last),
            seconds=time.monotonic() - began,
        )
        _save(model, tokenizer, job.target)
        return result


def _rows(job: TrainingJob, tokenizer: Any, chat: bool, max_length: int) -> tuple[Any, int, int]:
    import datasets
    import pyarrow.parquet as pq

    table = pq.read_table(job.rows, columns=["prompt", "completion"])
    kept, too_long, tokens = [], 0, 0
    for row in table.to_pylist():
        length = len(prompt_ids(tokenizer, row["prompt"], chat))
        length += len(tokenizer(row["completion"], add_special_tokens=False)["input_ids"]) + 1
        if length > max_length:
            too_long += 1
        else:
            tokens += length
            kept.append(training_row(row["prompt"], row["completion"], chat))
    if not kept:
        raise TrainingError(
            f"There is nothing to train on: {table.num_rows} rows, of which {too_long} are longer than "
            f"{max_length} tokens; raise `distill.max_length` or give more worked examples."
        )
    return datasets.Dataset.from_list(kept), too_long, tokens


def _arguments(job: TrainingJob, *, bfloat16: bool, cuda: bool) -> Any:
    import trl

    settings = job.settings
    micro = settings.micro_batch_size or settings.batch_size
    return trl.SFTConfig(
        output_dir=str(job.target.parent / ".trainer"),
        max_steps=settings.steps,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=settings.batch_size // micro,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.schedule if settings.schedule != "constant" else "constant_with_warmup",
        warmup_steps=round(settings.warmup * settings.steps),
        weight_decay=settings.weight_decay,
        adam_beta2=settings.beta2,
        max_length=None,
        completion_only_loss=True,
        packing=False,
        bf16=bfloat16,
        use_cpu=not cuda,
        gradient_checkpointing=cuda,
        seed=job.seed,
        data_seed=job.seed,
        save_strategy="no",
        logging_strategy="steps",
        logging_steps=max(1, settings.steps // 40),
        disable_tqdm=True,
        logging_nan_inf_filter=False,
        report_to="none",
        dataloader_pin_memory=cuda,
    )


def _watch(losses: list[float], on_step: OnStep) -> Any:
    """A callback for the trainer that collects the logged losses, ends at one that is not finite, reports each step."""
    import transformers

    class Watch(transformers.TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
            if logs and "loss" in logs:
                losses.append(float(logs["loss"]))
                if not math.isfinite(losses[-1]):
                    control.should_training_stop = True

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            on_step(state.global_step, losses[-1] if losses else math.nan)

    return Watch()


def _sums_of_weights(model: Any) -> list[float]:
    """Two sums for each parameter: enough to see that weights moved, and that they are finite."""
    parameters = [p.detach().double() for p in model.parameters() if p.requires_grad]
    return [float(value) for p in parameters for value in (p.sum(), p.square().sum())]


def _save(model: Any, tokenizer: Any, target: Path) -> None:
    """Write the student under a temporary name and rename the folder when whole."""
    temporary = unfinished_name(target, os.getpid())
    shutil.rmtree(temporary, ignore_errors=True)
    model.save_pretrained(temporary, safe_serialization=True)
    tokenizer.save_pretrained(temporary)
    make_readable(temporary)
    shutil.rmtree(target, ignore_errors=True)
    temporary.replace(target)
