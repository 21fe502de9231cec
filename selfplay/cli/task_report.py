"""What `selfplay tasks check` prints and writes. Text of a data set is shown, never obeyed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from selfplay.errors import ConfigError, ModelError
from selfplay.experiment.file import apply_override
from selfplay.experiment.task_check import CHECKS, Checked, Finding, Measure, check
from selfplay.hostile_text import visible
from selfplay.tasks.registry import load_source
from selfplay.tasks.whole_file import write_whole


def check_and_print(
    name: str,
    overrides: Sequence[str],
    verifier_overrides: Sequence[str],
    *,
    count: int | None,
    workers: int,
    timeout: float | None,
    tokenizer: str | None,
    context: int | None,
    output: Path | None,
    shown: int,
) -> int:
    """Check a source; returns the number of findings.

    Raises:
        ConfigError: `--tokenizer` without `--context` or the other way round, or a file that cannot be written.
        SourceError, VerifierError: see `check`.
    """
    if (tokenizer is None) != (context is None):
        raise ConfigError("`--tokenizer` and `--context` belong together; give both or neither.")
    if output is not None and not output.absolute().parent.is_dir():
        raise ConfigError(
            f"there is no folder {output.absolute().parent}; set `--output` to a file in one that is there."
        )
    source = load_source(name, _mapping(overrides))
    console = Console(stderr=True)
    columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=None)
        done = check(
            source,
            settings=_mapping(verifier_overrides),
            count=count,
            workers=workers,
            timeout=timeout,
            tokens=None if tokenizer is None else measure(tokenizer),
            context=context,
            progress=lambda judged, total: bars.update(task, completed=judged, total=total),
        )
    _print(source.name, done, shown)
    if output is not None:
        _write(output, done.findings)
    return len(done.findings)


def measure(tokenizer: str) -> Measure:
    """How many tokens a prompt and its solution have, as training and sampling see them.

    Raises:
        ModelError: the tokenizer cannot be loaded.
    """
    from selfplay.models.prompts import prompt_ids, uses_chat

    if tokenizer == "characters":
        from selfplay.models.folders import character_tokenizer

        loaded = character_tokenizer(1 << 30)
    else:
        from transformers import AutoTokenizer

        try:
            loaded = AutoTokenizer.from_pretrained(tokenizer, trust_remote_code=False)
        except (OSError, ValueError) as error:
            said = " ".join(str(error).split())[:200]
            raise ModelError(f"`--tokenizer {tokenizer}` cannot be loaded ({said}); give a model folder.") from None
    chat = uses_chat(loaded, None)

    def count(prompt: str, solution: str) -> int:
        written = loaded(solution, add_special_tokens=False, verbose=False)["input_ids"]
        # and the token that ends the completion
        return len(prompt_ids(loaded, prompt, chat)) + len(written) + 1

    return count


def _print(name: str, done: Checked, shown: int) -> None:
    console = Console()
    table = Table("check", "found", "of", box=None, pad_edge=False)
    for kind in CHECKS:
        if done.asked[kind]:
            found = done.count(kind)
            table.add_row(kind, Text(f"{found:,}", style="red" if found else ""), f"{done.asked[kind]:,}")
    sizes = ", ".join(f"{count:,} of {split}" for split, count in done.problems.items())
    console.print(Text(f"{visible(name)}: {sizes}"))
    console.print(table)
    for finding in done.findings[:shown]:
        facts = "".join(f" {key}={value}" for key, value in finding.metadata.items())
        place = f"{finding.check}: {finding.split} {finding.number}{facts}: {finding.why}"
        console.print(Text(visible(place)), soft_wrap=True)
    left = len(done.findings) - shown
    if left > 0:
        console.print(Text(f"and {left:,} more; --output FILE writes them all"))


def _write(output: Path, findings: Sequence[Finding]) -> None:
    try:
        write_whole(output, "".join(json.dumps(finding.as_row()) + "\n" for finding in findings))
    except OSError as error:
        raise ConfigError(f"cannot write {output} ({error.strerror}); set `--output` to another file.") from error


def _mapping(overrides: Sequence[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for override in overrides:
        apply_override(settings, override)
    return settings
