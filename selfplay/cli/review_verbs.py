"""`selfplay review`: verdicts of a run labelled by people. Heavy libraries are imported inside the verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from selfplay.cli.user_errors import one_sentence

app = typer.Typer(no_args_is_help=True, help="People label a sample of a run's verdicts, and the run learns from it.")
Run = Annotated[Path, typer.Argument(help="A run directory.")]


@app.command()
def export(
    run: Run,
    count: Annotated[int, typer.Option("-n", min=1, help="Verdicts to label.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    output: Annotated[Path | None, typer.Option(help="Folder to write; default: RUN/review/export-N-SEED.")] = None,
    audit: Annotated[
        Path | None,
        typer.Option(
            "--second", help="Verdicts of another verifier, as `selfplay verify` writes them; disagreements come first."
        ),
    ] = None,
) -> None:
    """Draw a stratified sample of verdicts for people to label blind: a page, a CSV and JSON lines."""
    with one_sentence():
        from selfplay.review.label_export import export as write

        typer.echo(write(run, count=count, seed=seed, output=output, second=audit))


@app.command("import")
def import_(
    run: Run,
    labels: Annotated[Path, typer.Argument(help="The page's JSON, or the CSV or JSON lines with labels filled in.")],
    who: Annotated[str, typer.Option(help="Who labelled them.")],
) -> None:
    """Bring labels back into the run, with who and when, and show what they say of its verifiers."""
    with one_sentence():
        from selfplay.review.corrected_scores import show as shown
        from selfplay.review.label_store import import_labels

        typer.echo(import_labels(run, labels, who))
        typer.echo(shown(run))


@app.command()
def show(run: Run) -> None:
    """Show the verifiers' error rates by the labels, and accuracies and error shares corrected by them."""
    with one_sentence():
        from selfplay.review.corrected_scores import show as shown

        typer.echo(shown(run))


@app.command("export-training")
def export_training(
    run: Run,
    output: Annotated[Path, typer.Option(help="JSON lines to write.")],
) -> None:
    """Write what people found right as worked examples of origin human, for the task source `dataset`."""
    with one_sentence():
        from selfplay.review.label_export import write_training_set

        typer.echo(write_training_set(run, output))
