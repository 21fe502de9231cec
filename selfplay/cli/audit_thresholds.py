"""What `selfplay verifiers audit` prints and writes, and the thresholds that decide its exit code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from selfplay.cli.user_errors import relative
from selfplay.errors import ConfigError
from selfplay.experiment.experiment_file import settings_of
from selfplay.hostile_text import visible
from selfplay.report.audit_page import markdown, write_audit
from selfplay.verifiers.audit.audit import Plan, audit
from selfplay.verifiers.audit.corpus import NamedSource
from selfplay.verifiers.audit.record import Record, store
from selfplay.verifiers.errors import BadAudit


@dataclass(frozen=True)
class Thresholds:
    """What an audit must keep to; None: nothing is asked."""

    false_accept: float | None = None
    """Accepted share of wrong rows, attacks and doubtful rows not among them."""
    false_reject: float | None = None
    """Rejected share of right rows."""
    undecided: float | None = None
    attacks: int | None = None
    differing: int | None = None
    """Rows with another verdict when judged again, the worst way counted."""

    def missed(self, record: Record) -> list[str]:
        """A sentence for each threshold that the measured value, not its interval, is above.

        Raises:
            BadAudit: there are no rows that a threshold asks about.
        """
        right, wrong, tried = record.total("right"), record.total("wrong"), record.total("wrong", attacks=True)
        known = right.plus(wrong)
        asked = (
            ("--max-false-accept", self.false_accept, wrong.accepted, wrong.rows, "accepted wrong rows"),
            ("--max-false-reject", self.false_reject, right.rejected, right.rows, "rejected right rows"),
            ("--max-undecided", self.undecided, known.undecided, known.rows, "undecided rows"),
        )
        found = []
        for option, limit, count, rows, what in asked:
            if limit is not None and not rows:
                raise BadAudit(f"{option} asks about {what}, and there is no row of that kind; give --source")
            if limit is not None and count / rows > limit:
                found.append(f"{option} {limit:g} is missed: {count:,} of {rows:,} {what} ({count / rows:.2%})")
        if self.attacks is not None and not tried.rows:
            raise BadAudit("--max-attacks asks about attacks, and none was tried; give --source")
        worst, again = max(record.again.differing.values(), default=0), record.again.rows
        counted = (
            ("--max-attacks", self.attacks, tried.accepted, f"{tried.rows:,} attacks accepted"),
            ("--max-differing", self.differing, worst, f"{again:,} rows differ"),
        )
        for option, most, count, what in counted:
            if most is not None and count > most:
                found.append(f"{option} {most} is missed: {count:,} of {what}")
        return found


def print_audit(plan: Plan, thresholds: Thresholds, output: Path | None) -> bool:
    """Audit, print the table, store the record, write the page; returns whether a threshold was missed."""
    bars = Console(stderr=True)
    with Progress(console=bars, transient=True, disable=not bars.is_terminal) as progress:
        task = progress.add_task("", total=None)
        done = audit(plan, lambda what, count: progress.update(task, description=escape(what), completed=count))
    missed = thresholds.missed(done.record)
    print(visible(markdown(done.record)))
    print(f"record {relative(store(done.record), Path.home(), '~/')}")
    if output is not None:
        print(f"page   {write_audit(done, output)}")
    for sentence in missed:
        print(sentence)
    return bool(missed)


def named_source(text: str) -> NamedSource:
    """`gsm8k,folder=data,limit=500` as a source with its settings.

    Raises:
        ConfigError: a setting has no `=`.
    """
    name, *pairs = text.split(",")
    if not all("=" in pair for pair in pairs):
        raise ConfigError(f"--source {text}: write it as SOURCE,KEY=VALUE, such as --source gsm8k,folder=data.")
    return NamedSource(name, settings_of(pairs))
