"""`selfplay NOUN list | show` for the kinds of plugins that have these two verbs alone: filters, engines, distillation
methods, measures, sandboxes and special judges. Heavy libraries are imported inside the verbs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer

from selfplay.cli.user_errors import one_sentence

UNSAID = "(the plugin does not say)"


@dataclass(frozen=True)
class Listing:
    """How one kind of plugin is listed and shown."""

    about: str
    """What `selfplay --help` says of it."""
    registry: str
    """`module:name` of its `PluginGroup`."""
    columns: Sequence[str]
    """Heads of the columns behind name and package."""
    cells: Callable[[Any], Sequence[str]]
    """One plugin's cells of these columns."""
    lines: Callable[[Any], Sequence[str]]
    """What `show` prints of one before its keys."""
    keys: Callable[[Any], Any | None] = lambda kind: None
    """The pydantic model of its keys; None where it can have none."""

    def group(self) -> Any:
        module, _, name = self.registry.partition(":")
        return getattr(import_module(module), name)


def _filter_lines(kind: Any) -> list[str]:
    looks = {"nothing": "", "texts": "answers by their text", "classes": "answers, equal ones as one"}
    looked = [looks[kind.compares], kind.others * "samples of other arms", kind.logprobs * "log-probabilities"]
    return [
        f"{kind.name} {kind.version}: a kept sample shows {kind.keeps or UNSAID}",
        f"Does not catch: {kind.does_not_catch or UNSAID}",
        f"Looks at: {', '.join(filter(None, looked)) or 'the samples of a problem'}",
    ]


def _measured_of(measure: Any) -> str:
    return str(measure.of).replace("_", " ")


def _first_line(value: Any) -> list[str]:
    return [(getattr(value, "__doc__", None) or "").strip().partition("\n")[0] or UNSAID]


NOUNS = {
    "filters": Listing(
        "Group filters: which samples of a problem are kept without a reference.",
        "selfplay.filters.registry:FILTERS",
        ("version", "a kept sample shows", "does not catch"),
        lambda kind: (kind.version, kind.keeps, kind.does_not_catch),
        _filter_lines,
        lambda kind: kind.Settings,
    ),
    "engines": Listing(
        "Engines: what writes completions.",
        "selfplay.engines.registry:ENGINES",
        ("what it is",),
        lambda kind: (kind.about,),
        lambda kind: (
            f"{kind.kind}: {kind.about or UNSAID}",
            "Its keys are those of `engine`; `engine.options` holds:",
        ),
        lambda kind: kind.Options,
    ),
    "distill": Listing(
        "Distillation methods: how a student is trained on selected samples.",
        "selfplay.distill.registry:METHODS",
        ("what it does",),
        lambda kind: (kind.about,),
        lambda kind: (f"{kind.name}: {kind.about or UNSAID}",),
        lambda kind: kind.Settings,
    ),
    "measures": Listing(
        "Measures: what is scored of models, samples and trainings.",
        "selfplay.measure.registry:MEASURES",
        ("of", "for each task", "what it is"),
        lambda measure: (_measured_of(measure), "yes" if measure.by_task else "no", measure.about),
        lambda measure: (
            f"{measure.name}: {measure.about or UNSAID}",
            f"Of: {_measured_of(measure)}, for {'each task and for all' if measure.by_task else 'all tasks together'}",
        ),
    ),
    "sandboxes": Listing(
        "Sandboxes on other machines: the scheme of their address, such as https://...",
        "selfplay.verifiers.sandbox.open_sandbox:SANDBOXES",
        ("what it is",),
        _first_line,
        _first_line,
    ),
    "judges": Listing(
        "Special judges: a verdict on a program's output where several outputs are right.",
        "selfplay.verifiers.code.special_judge:JUDGES",
        ("what it decides",),
        _first_line,
        _first_line,
    ),
}


def app_of(noun: str) -> typer.Typer:
    """The verbs `list` and `show` for one kind of plugin."""
    kind = NOUNS[noun]
    app = typer.Typer(no_args_is_help=True, help=kind.about)

    @app.command("list")
    def list_() -> None:
        """List them with what each is, and the broken ones with the reason."""
        with one_sentence():
            from selfplay.cli import plugin_tables

            plugin_tables.print_listed(kind.columns, kind.group().listed, kind.cells)

    @app.command()
    def show(name: Annotated[str, typer.Argument(help="A name of the list, or `path/to/file.py:name`.")]) -> None:
        """Show one: what it is, and its keys."""
        with one_sentence():
            from selfplay.cli import plugin_tables
            from selfplay.errors import ConfigError
            from selfplay.verifiers.sandbox.protocol import SandboxError

            try:
                found = kind.group().find(name)
            except (ValueError, SandboxError) as error:
                raise ConfigError(str(error)) from None
            plugin_tables.print_shown(kind.lines(found), kind.keys(found))

    return app
