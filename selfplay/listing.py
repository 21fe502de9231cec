"""What `selfplay tasks` and `selfplay verifiers` print. Text of plugins and data sets is shown, never obeyed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import entry_points
from itertools import islice
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from selfplay.config_file import apply_override
from selfplay.report.visible import visible
from tasks.errors import SourceError
from tasks.registry import load_source, source_class
from verifiers import registry


def sources() -> None:
    """One line for each task source, the broken ones among them."""
    table = Table(
        "source", "package", "judged by", "worked solutions", "ends", "what it asks", box=None, pad_edge=False
    )
    for entry in sorted(entry_points(group="selfplay.tasks"), key=lambda entry: entry.name):
        package = entry.dist.name if entry.dist is not None else "an unknown package"
        try:
            kind = source_class(entry.name)
        except SourceError as error:
            table.add_row(*map(_shown, (entry.name, package, "", "", "")), _shown(f"cannot be loaded: {error}", "red"))
            continue
        verifier, origin = (getattr(kind, key, "(a key)") for key in ("verifier", "solution_origin"))
        ends = "no" if kind.endless else "yes"
        table.add_row(*map(_shown, (entry.name, package, verifier, origin, ends, _first_line(kind))))
    Console().print(table)


def source(name: str, overrides: Sequence[str], count: int, seed: int) -> None:
    """A source's keys and its first problems."""
    settings: dict[str, Any] = {}
    for override in overrides:
        apply_override(settings, override)
    console = Console()
    kind = source_class(name)
    console.print(_shown(_first_line(kind)))
    _print_fields(console, kind)
    made = load_source(name, settings)
    # a source that is held out as a whole has nothing to train on
    problems = list(islice(made.problems("train", seed), count)) or list(islice(made.problems("evaluate", seed), count))
    for problem in problems:
        console.rule(_shown(f"{problem.id}  {problem.split}, judged by {problem.verifier}"), align="left")
        console.print(_shown(problem.prompt))
        console.print(Text(f"reference  {json.dumps(problem.reference)}", style="dim"))
        if problem.solution is not None:
            console.print(Text(f"{problem.solution_origin} solution"), style="dim")
            console.print(_shown(problem.solution))


def verifiers() -> None:
    """One line for each verifier."""
    table = Table("verifier", "version", "package", "judges", "does not catch", box=None, pad_edge=False)
    for found in registry.available():
        judges = _shown(f"cannot be loaded: {found.error}", "red") if found.error else _shown(found.judges)
        table.add_row(
            _shown(found.name), _shown(found.version), _shown(found.package), judges, _shown(found.does_not_catch)
        )
    Console().print(table)


def verifier(name: str) -> None:
    """A verifier's reference and settings."""
    kind = registry.find(name)
    console = Console()
    console.print(_shown(f"{kind.name} {kind.version}: {kind.judges}"))
    console.print(_shown(f"Does not catch: {kind.does_not_catch}"))
    for title, model in (("reference", kind.Reference), ("settings", kind.Settings)):
        console.rule(Text(title), align="left")
        _print_fields(console, model)


def _print_fields(console: Console, model: type[BaseModel]) -> None:
    table = Table("key", "type", "default", "meaning", box=None, pad_edge=False)
    for key, field in model.model_json_schema().get("properties", {}).items():
        kind = field.get("type") or " or ".join(str(option.get("type", "object")) for option in field.get("anyOf", []))
        default = json.dumps(field["default"]) if "default" in field else "(required)"
        table.add_row(_shown(key), _shown(kind), _shown(default), _shown(field.get("description", "")))
    console.print(table)


def _shown(text: object, style: str = "") -> Text:
    """A plugin's or a data set's words: no markup, no control characters."""
    return Text(visible(str(text)), style=style)


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0]
