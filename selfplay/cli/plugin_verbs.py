"""`selfplay NOUN list | show` for the kinds of plugins that have these two verbs alone: filters, engines, distillation
methods, measures, sandboxes and special judges. Heavy libraries are imported inside the verbs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from selfplay.cli.user_errors import one_sentence


@dataclass(frozen=True)
class Listing:
    """How one kind of plugin is listed and shown."""

    columns: Sequence[str]
    """Heads of the columns behind name and package."""
    group: Any
    """Its `PluginGroup`."""
    cells: Callable[[Any], Sequence[str]]
    """One plugin's cells of these columns."""
    lines: Callable[[Any], Sequence[str]]
    """What `show` prints of one before its keys."""
    keys: Callable[[Any], Any | None] = lambda kind: None
    """The pydantic model of its keys; None where it can have none."""


def _filters() -> Listing:
    from selfplay.filters.registry import FILTERS

    def lines(kind: Any) -> list[str]:
        looks = {"nothing": "", "texts": "answers by their text", "classes": "answers, equal ones as one"}
        looked = [
            looks[kind.compares],
            kind.others * "samples of other arms",
            kind.logprobs * "log-probabilities",
        ]
        return [
            f"{kind.name} {kind.version}: a kept sample shows {_said(kind.keeps)}",
            f"Does not catch: {_said(kind.does_not_catch)}",
            f"Looks at: {', '.join(filter(None, looked)) or 'the samples of a problem'}",
        ]

    return Listing(
        ("version", "a kept sample shows", "does not catch"),
        FILTERS,
        lambda kind: (kind.version, kind.keeps, kind.does_not_catch),
        lines,
        lambda kind: kind.Settings,
    )


def _engines() -> Listing:
    from selfplay.engines.registry import ENGINES

    return Listing(
        ("what it is",),
        ENGINES,
        lambda kind: (kind.about,),
        lambda kind: (f"{kind.kind}: {_said(kind.about)}", "Its keys are those of `engine`; `engine.options` holds:"),
        lambda kind: kind.Options,
    )


def _methods() -> Listing:
    from selfplay.distill.registry import METHODS

    return Listing(
        ("what it does",),
        METHODS,
        lambda kind: (kind.about,),
        lambda kind: (f"{kind.name}: {_said(kind.about)}",),
        lambda kind: kind.Settings,
    )


def _measures() -> Listing:
    from selfplay.measure.registry import MEASURES

    def of(measure: Any) -> str:
        return str(measure.of).replace("_", " ")

    return Listing(
        ("of", "for each task", "what it is"),
        MEASURES,
        lambda measure: (of(measure), "yes" if measure.by_task else "no", measure.about),
        lambda measure: (
            f"{measure.name}: {_said(measure.about)}",
            f"Of: {of(measure)}, {'for each task and for all' if measure.by_task else 'for all tasks together'}",
        ),
    )


def _sandboxes() -> Listing:
    from selfplay.verifiers.sandbox.open_sandbox import SANDBOXES

    return Listing(
        ("what it is",),
        SANDBOXES,
        lambda kind: (_first_line(kind),),
        lambda kind: (_first_line(kind),),
    )


def _judges() -> Listing:
    from selfplay.verifiers.code.special_judge import JUDGES

    return Listing(
        ("what it decides",),
        JUDGES,
        lambda judge: (_first_line(judge),),
        lambda judge: (_first_line(judge),),
    )


NOUNS: dict[str, tuple[str, Callable[[], Listing]]] = {
    "filters": ("Group filters: which samples of a problem are kept without a reference.", _filters),
    "engines": ("Engines: what writes completions.", _engines),
    "distill": ("Distillation methods: how a student is trained on selected samples.", _methods),
    "measures": ("Measures: what is scored of models, samples and trainings.", _measures),
    "sandboxes": ("Sandboxes on other machines: the scheme of their address, such as https://...", _sandboxes),
    "judges": ("Special judges: a verdict on a program's output where several outputs are right.", _judges),
}


def app_of(noun: str) -> typer.Typer:
    """The verbs `list` and `show` for one kind of plugin."""
    about, listing = NOUNS[noun]
    app = typer.Typer(no_args_is_help=True, help=about)

    @app.command("list")
    def list_() -> None:
        """List them with what each is, and the broken ones with the reason."""
        with one_sentence():
            from selfplay.cli import plugin_tables

            kind = listing()
            plugin_tables.print_listed(kind.columns, kind.group.listed(), kind.cells)

    @app.command()
    def show(name: Annotated[str, typer.Argument(help="A name of the list, or `path/to/file.py:name`.")]) -> None:
        """Show one: what it is, and its keys."""
        with one_sentence():
            from selfplay.cli import plugin_tables
            from selfplay.errors import ConfigError
            from selfplay.verifiers.sandbox.protocol import SandboxError

            kind = listing()
            try:
                found = kind.group.find(name)
            except (ValueError, SandboxError) as error:
                raise ConfigError(str(error)) from None
            plugin_tables.print_shown(kind.lines(found), kind.keys(found))

    return app


def _said(text: str) -> str:
    return text or "(the plugin does not say)"


def _first_line(value: Any) -> str:
    return _said((getattr(value, "__doc__", None) or "").strip().partition("\n")[0])
