"""`selfplay doctor`: what this machine offers, what is missing, and the remedy of each.

Everything that the quickstart needs is tried, not looked up: libraries are imported, the sandbox is started, plugins
are loaded. No engine is started and no network is asked.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.text import Text

from selfplay.doctor import machine, plugins_and_services, software
from selfplay.doctor.finding import Finding
from selfplay.hostile_text import visible

__all__ = ["Finding", "examine", "quickstart_can_run", "show"]

STYLES = {"fine": "green", "limited": "yellow", "missing": "bold red"}


def examine(output: Path) -> list[Finding]:
    """Look at everything; takes as long as importing the libraries does.

    Args:
        output: the folder that runs would be written under.
    """
    gpu_names, gpu = machine.gpus()
    found = [software.python(), *software.libraries(gpu_names)]
    found += [gpu, machine.cores(), machine.memory(), machine.cgroups()]
    found += [plugins_and_services.sandbox(), *plugins_and_services.plugins(), *plugins_and_services.needs()]
    found += [machine.disk(output), machine.shared_memory(), machine.open_files()]
    found += [plugins_and_services.ray_around(), plugins_and_services.data(), plugins_and_services.hub()]
    return found


def quickstart_can_run(findings: Sequence[Finding]) -> bool:
    """Whether nothing that the quickstart needs is missing."""
    return all(finding.state != "missing" for finding in findings)


def show(findings: Sequence[Finding], *, as_json: bool) -> None:
    """Print them: JSON, or one line each with its remedy below it."""
    if as_json:
        answer = {"quickstart": quickstart_can_run(findings), "findings": [asdict(finding) for finding in findings]}
        print(json.dumps(answer, indent=2))
        return
    console = Console()
    for finding in findings:
        words = f" {finding.name:<16} {visible(finding.value)}"
        console.print(Text.assemble((f"{finding.state:<8}", STYLES[finding.state]), words), soft_wrap=True)
        if finding.remedy:
            console.print(Text(f"{'':<8} {'':<16} -> {visible(finding.remedy)}"), soft_wrap=True)
    count = sum(finding.state == "missing" for finding in findings)
    print("The quickstart can run here." if not count else f"The quickstart cannot run here: {count} missing.")
