"""What `selfplay tasks check` prints and writes. Text of a data set is shown, never obeyed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from selfplay.errors import ConfigError, ModelError
from selfplay.experiment.task_check import CHECKS, Checked, Finding, Measure, check
from selfplay.hostile_text import visible
from selfplay.tasks.source import TaskSource
from selfplay.tasks.whole_file import write_whole


def judged_with_bar(source: TaskSource, **asked: Any) -> Checked:
    """What `check` finds, with a bar on stderr while it judges; `asked` are its arguments."""
    console = Console(stderr=True)
    columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=None)
        return check(source, **asked, progress=lambda judged, total: bars.update(task, completed=judged, total=total))


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


def print_findings(name: str, done: Checked, shown: int) -> None:
    """The counts as a table, and the first `shown` findings."""
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
    if len(done.findings) > shown:
        console.print(Text(f"and {len(done.findings) - shown:,} more; --output FILE writes them all"))


def write_findings(output: Path, findings: Sequence[Finding]) -> None:
    """Every finding as a JSON line. Raises ConfigError where the file cannot be written."""
    try:
        write_whole(output, "".join(json.dumps(asdict(finding)) + "\n" for finding in findings))
    except OSError as error:
        raise ConfigError(f"cannot write {output} ({error.strerror}); set `--output` to another file.") from error
