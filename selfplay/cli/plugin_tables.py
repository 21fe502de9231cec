"""What `selfplay NOUN list` and `show` print. Text of plugins and data sets is shown, never obeyed."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from pydantic import BaseModel, PydanticUserError
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from selfplay.cli.plugin_verbs import UNSAID
from selfplay.experiment.experiment_file import settings_of
from selfplay.hostile_text import visible
from selfplay.tasks.drawn_problems import drawn
from selfplay.tasks.plugins import BrokenPluginWarning, Listed
from selfplay.tasks.registry import SOURCES, load_source, source_class
from selfplay.verifiers.audit.record import of_version
from selfplay.verifiers.contract.registry import VERIFIERS
from selfplay.verifiers.contract.verifier import AnyReference


def sources() -> None:
    """One line for each task source, the broken ones among them."""

    def cells(kind: Any) -> tuple[str, ...]:
        verifier, origin = (getattr(kind, key, "(a key)") for key in ("verifier", "solution_origin"))
        return verifier, origin, "no" if kind.endless else "yes", _first_line(kind)

    print_listed(("judged by", "worked solutions", "ends", "what it asks"), SOURCES.listed, cells, name="source")


def source(name: str, overrides: Sequence[str], count: int, seed: int) -> None:
    """A source's keys and its first problems."""
    console = Console()
    kind = source_class(name)
    console.print(_shown(_first_line(kind)))
    _print_fields(console, kind)
    made = load_source(name, settings_of(overrides))
    # a source that is held out as a whole has nothing to train on
    problems = list(islice(drawn(made, "train", seed), count)) or list(islice(drawn(made, "evaluate", seed), count))
    for problem in problems:
        console.rule(_shown(f"{problem.id}  {problem.split}, judged by {problem.verifier}"), align="left")
        console.print(_shown(problem.prompt))
        console.print(Text(f"reference  {json.dumps(problem.reference)}", style="dim"))
        if problem.solution is not None:
            console.print(Text(f"{problem.solution_origin} solution"), style="dim")
            console.print(_shown(problem.solution))


def verifiers() -> None:
    """One line for each verifier."""

    def cells(kind: Any) -> tuple[str, ...]:
        needs = kind.needs.in_words()
        return kind.version, f"{kind.judges or ''}{f' (needs {needs})' if needs else ''}", kind.does_not_catch or ""

    print_listed(("version", "judges", "does not catch"), VERIFIERS.listed, cells, name="verifier")


def verifier(name: str) -> None:
    """What a verifier judges and needs, its reference, its settings, and what audits of this version measured."""
    kind = VERIFIERS.find(name)
    console = Console()
    console.print(_shown(f"{kind.name} {kind.version}: {kind.judges or UNSAID}"))
    console.print(_shown(f"Does not catch: {kind.does_not_catch or UNSAID}"))
    if needs := kind.needs.in_words():
        console.print(_shown(f"Needs: {needs}"))
    for title, model in (("reference", kind.Reference), ("settings", kind.Settings)):
        console.rule(Text(title), align="left")
        _print_fields(console, model)
    console.rule(Text("audits"), align="left")
    records = [f"{json.dumps(record.settings)}: {record.sentence}" for record in of_version(kind.name, kind.version)]
    for line in records or [f"none of this version: selfplay verifiers audit {name}"]:
        console.print(_shown(line))


def print_listed(
    columns: Sequence[str],
    find: Callable[[], list[Listed[Any]]],
    cells: Callable[[Any], Sequence[str]],
    name: str = "name",
) -> None:
    """One line for each plugin; a broken one with the reason.

    Args:
        columns: heads of the columns after name and package.
        cells: the cells of these columns.
        name: head of the first column.
    """
    table = Table(
        *(Column(head, no_wrap=True, overflow="ignore") for head in (name, "package")),
        *(Column(head, overflow="fold") for head in columns),
        box=None,
        pad_edge=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BrokenPluginWarning)  # the table says it
        found = find()
    for each in found:
        named = map(_shown, (each.name, each.package))
        if each.value is None:
            table.add_row(*named, *[""] * (len(columns) - 1), _shown(f"cannot be used: {each.error}", "red"))
        else:
            table.add_row(*named, *map(_shown, cells(each.value)))
    Console().print(table)
    if not found:
        print("None is registered; one of your own is named as path/to/file.py:name.")


def print_shown(lines: Iterable[str], keys: type[BaseModel] | None) -> None:
    """Some lines about a plugin, and its keys where it can have any."""
    console = Console()
    for line in lines:
        console.print(_shown(line))
    if keys is not None:
        console.rule(Text("settings"), align="left")
        _print_fields(console, keys)


def _print_fields(console: Console, model: type[BaseModel]) -> None:
    if not model.model_fields:
        console.print("any JSON object" if model is AnyReference else "none")
        return
    table = Table("key", "type", "default", "meaning", box=None, pad_edge=False)
    try:
        fields = model.model_json_schema().get("properties", {})
    except PydanticUserError:  # a field whose type JSON does not have
        fields = {
            key: {"type": str(field.annotation), "description": field.description or ""}
            | ({} if field.is_required() else {"default": repr(field.default)})
            for key, field in model.model_fields.items()
        }
    for key, field in fields.items():
        kind = field.get("type") or " or ".join(str(option.get("type", "object")) for option in field.get("anyOf", []))
        default = json.dumps(field["default"]) if "default" in field else "(required)"
        table.add_row(_shown(key), _shown(kind), _shown(default), _shown(field.get("description", "")))
    console.print(table)


def _shown(text: object, style: str = "") -> Text:
    """A plugin's or a data set's words: no markup, no control characters."""
    return Text(visible(str(text)), style=style)


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0]
