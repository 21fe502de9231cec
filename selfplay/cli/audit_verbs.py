"""`selfplay verifiers audit`. Heavy libraries are imported inside the verb."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from selfplay.cli.refusal import one_sentence

Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the verifier.")]


def audit(
    name: Annotated[str, typer.Argument(help="A verifier's name, or `path/to/file.py:name`.")],
    source: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE[,KEY=VALUE...]",
            help="A task source to take worked solutions from, such as `gsm8k,folder=data`; may stand several times. "
            "Without it and without --labelled: the procedural sources that the verifier judges.",
        ),
    ] = None,
    labelled: Annotated[
        Path | None, typer.Option(help="JSON lines: id, reference, completion, label (right or wrong), category.")
    ] = None,
    set_: Settings = None,
    second: Annotated[str | None, typer.Option(help="Another verifier to compare with on the same rows.")] = None,
    second_set: Annotated[
        list[str] | None, typer.Option("--second-set", metavar="KEY=VALUE", help="A setting of the second verifier.")
    ] = None,
    problems: Annotated[int, typer.Option("-n", "--problems", min=1, help="Problems of each source.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the problems and of what is changed.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Verifier processes.")] = 1,
    timeout: Annotated[float | None, typer.Option(min=0.001, help="A completion's own budget in seconds.")] = None,
    max_false_accept: Annotated[
        float | None, typer.Option(min=0, max=1, help="Largest accepted share of wrong rows; above it: exit code 1.")
    ] = None,
    max_false_reject: Annotated[
        float | None, typer.Option(min=0, max=1, help="Largest rejected share of right rows.")
    ] = None,
    max_undecided: Annotated[
        float | None, typer.Option(min=0, max=1, help="Largest undecided share of right and wrong rows.")
    ] = None,
    max_attacks: Annotated[int | None, typer.Option(min=0, help="Most attacks that may be accepted.")] = None,
    max_differing: Annotated[
        int | None, typer.Option(min=0, help="Most rows that may get another verdict when judged again.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for the page, the table as Markdown, the record and all rows.")
    ] = None,
) -> None:
    """Measure how often a verifier is wrong, on rows whose truth is known; the record is kept and shown with its runs.

    Exit code 1: a threshold is missed. 2: bad input.
    """
    with one_sentence():
        from selfplay.cli.auditing import Thresholds, run_audit

        thresholds = Thresholds(max_false_accept, max_false_reject, max_undecided, max_attacks, max_differing)
        missed = run_audit(
            name,
            sources=source or (),
            labelled=labelled,
            overrides=set_ or (),
            second=second,
            second_overrides=second_set or (),
            problems=problems,
            seed=seed,
            workers=workers,
            timeout=timeout,
            thresholds=thresholds,
            output=output,
        )
        if missed:
            raise typer.Exit(1)
