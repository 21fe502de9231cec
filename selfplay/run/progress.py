"""What a person sees while a run goes on: a live view on a terminal, plain lines elsewhere.

Text from a model never reaches this view; names from the config are escaped all the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from selfplay.hostile_text import visible

LINE_EVERY = 10.0
"""Seconds between plain progress lines of one step."""


class Meter:
    """Progress of one step."""

    def __init__(self, view: RunView, label: str, total: int, unit: str) -> None:
        self._view, self._label, self._total, self._unit = view, label, total, unit
        self._began = self._said = time.monotonic()
        self._done = 0
        self._task: TaskID | None = None
        if view.live:
            self._task = view.bars.add_task(escape(visible(label)), total=total, rate="")

    def update(self, done: int, note: str = "") -> None:
        """Say that `done` of the total are done."""
        self._done = done
        now = time.monotonic()
        rate = f"{done / max(now - self._began, 1e-9):,.0f} {self._unit}/s {note}".strip()
        if self._task is not None:
            self._view.bars.update(self._task, completed=done, rate=escape(visible(rate)))
        elif now - self._said >= LINE_EVERY:
            self._said = now
            left = _left(now - self._began, done, self._total)
            self._view.line(f"  {self._label}: {done:,} of {self._total:,}, {rate}{left}")

    def close(self) -> None:
        if self._task is not None:
            self._view.bars.remove_task(self._task)
        seconds = time.monotonic() - self._began
        if self._done:
            self._view.line(f"  {self._label}: {self._done:,} {self._unit} in {seconds:.1f} s")


class RunView:
    """The view of a whole run: an overall bar in model generations, and the step at hand."""

    def __init__(self, console: Console, total: int) -> None:
        self.console = console
        self.live = console.is_terminal
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._total, self._done = total, 0
        self._began = time.monotonic()
        self._whole: TaskID | None = None
        self._place = ""

    def __enter__(self) -> Self:
        if self.live:
            self.bars.start()
            self._whole = self.bars.add_task("models", total=self._total, rate="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def place(self, seed: int, arm: str, generation: int) -> None:
        """Say which model is being made."""
        self._place = f"seed {seed}  {arm}  generation {generation}"
        if self._whole is not None:
            self.bars.update(self._whole, description=f"[bold]{escape(visible(self._place))}[/bold]")
        left = _left(time.monotonic() - self._began, self._done, self._total)
        self.line(f"{self._place}  (model {self._done + 1} of {self._total}{left})")

    def made(self) -> None:
        """One more model is made and evaluated."""
        self._done += 1
        if self._whole is not None:
            self.bars.update(self._whole, completed=self._done)

    @contextmanager
    def step(self, label: str, total: int, unit: str) -> Iterator[Meter]:
        """A step with a known size, such as 600 training steps or 1,200 samples."""
        meter = Meter(self, label, total, unit)
        try:
            yield meter
        finally:
            meter.close()

    def line(self, text: str) -> None:
        """A line that stays."""
        self.console.print(escape(visible(text)), highlight=False, soft_wrap=True)


def _left(took: float, done: int, total: int) -> str:
    if not 0 < done < total:
        return ""
    seconds = took / done * (total - done)
    return f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", about {seconds:.0f} s left"
