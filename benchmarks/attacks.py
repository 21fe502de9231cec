"""Every hostile program of the tests at both levels that isolate files, as the tables of docs/sandbox.md.

    python benchmarks/attacks.py [--write]

Each is judged in one worker per level, and followed by an honest solution there. A table says, for each group of
attacks, how they ended; with --write the part of docs/sandbox.md between its two marks is replaced.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from selfplay.verifiers.audit.attack_files import SETTINGS, attacks
from selfplay.verifiers.code import CodeVerifier
from selfplay.verifiers.contract.verifier import Asked
from selfplay.verifiers.sandbox.inside.plain_data import decode
from selfplay.verifiers.sandbox.local_sandbox import LocalSandbox
from selfplay.verifiers.sandbox.protocol import LevelRefused, Limits

PAGE = Path(__file__).resolve().parents[1] / "docs" / "sandbox.md"
BEGIN, END = "<!-- attacks: begin -->\n", "<!-- attacks: end -->\n"
HEAD = """\
| group | attacks | accepted | rejected | undecided | honest one after | how they ended |
|---|--:|--:|--:|--:|--:|---|
"""
REACHES = """
import os
def f():
    seen = {}
    def sees(name, act):
        try:
            act()
            seen[name] = True
        except OSError:
            seen[name] = False
    sees("a place to write", lambda: open("note", "w").close())
    sees("whether a file of the machine exists (`stat`)", lambda: os.stat("/etc/passwd"))
    sees("where a link of the machine points", lambda: os.readlink("/proc/self/exe"))
    sees("what a file of the machine says", lambda: open("/etc/passwd").close())
    sees("which processes exist", lambda: os.getpgid(OTHER))
    sees("whether a package is installed", lambda: os.stat(os.path.dirname(os.__file__) + "/site-packages/pip"))
    seen["the name of the machine"] = os.uname().nodename == NODE
    seen["its own number among the machine's processes"] = os.getpid() > 1
    return [[name, reached] for name, reached in seen.items()]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/sandbox.md")
    write = parser.parse_args().write
    text = f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}, as user {os.geteuid()}.\n\n"
    text += "".join(_table(level) for level in ("namespaces", "landlock"))
    text += _table("namespaces", {"seal": "shared", "packages": ["pytest"]}) + _differences()
    print(text)
    if write:
        page = PAGE.read_text()
        before, after = page.partition(BEGIN)[0], page.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}{text}{END}{after}")


def _table(level: str, more: dict[str, Any] | None = None) -> str:
    title = f"### Level `{level}`" + (f", `seal: {more['seal']}`" if more else "")
    settings = CodeVerifier.Settings.model_validate({**SETTINGS, **(more or {})})
    try:
        sandbox = LocalSandbox(lowest=level, levels=[level], packages=settings.packages)
    except LevelRefused as error:
        return f"{title}\n\nNot run here: {error}\n\n"
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    honest: Counter[str] = Counter()
    verifier = CodeVerifier(settings, sandbox)
    for attack in attacks():
        reference = CodeVerifier.Reference.model_validate(attack.reference)
        verdict = verifier.verify(Asked(reference, attack.program))
        outcomes[attack.group][verdict.outcome] += 1
        reasons[attack.group][verdict.reason] += 1
        honest[attack.group] += verifier.verify(Asked(reference, attack.honest)).outcome == "accepted"
        if verdict.outcome == "accepted":
            print(f"{level}: {attack}: {verdict}", flush=True)
    about = sandbox.about
    verifier.close()
    rows = ""
    total: Counter[str] = Counter()
    for group, counted in outcomes.items():
        ended = ", ".join(f"{reason} {count}" for reason, count in reasons[group].most_common())
        cells = [
            sum(counted.values()),
            *(counted[name] for name in ("accepted", "rejected", "undecided")),
            honest[group],
        ]
        rows += f"| {group} | {' | '.join(map(str, cells))} | {ended} |\n"
        total += counted
    cells = [
        sum(total.values()),
        *(total[name] for name in ("accepted", "rejected", "undecided")),
        sum(honest.values()),
    ]
    return f"{title}\n\n{about}.\n\n{HEAD}{rows}| all | {' | '.join(map(str, cells))} | |\n\n"


def _differences() -> str:
    """What a program at `landlock` reaches and at `namespaces` does not, by trying."""
    found: dict[str, dict[str, bool]] = {}
    program = REACHES.replace("OTHER", str(os.getppid())).replace("NODE", repr(os.uname().nodename))
    for level in ("namespaces", "landlock"):
        try:
            with LocalSandbox(lowest=level, levels=[level]) as sandbox:
                found[level] = dict(_returned(sandbox, program))
        except LevelRefused:
            return ""
    rows = "".join(
        f"| {name} | {' | '.join('yes' if found[level][name] else 'no' for level in found)} |\n"
        for name in found["namespaces"]
    )
    return f"### What a program finds there\n\n| | namespaces | landlock |\n|---|---|---|\n{rows}"


def _returned(sandbox: LocalSandbox, program: str) -> Any:
    """What the program's `f()` returns."""
    order = {"mode": "calls", "programs": [program], "setup": "", "seed": 0, "calls": [["f", ["list"], ["dict"]]]}
    with sandbox.spawn("candidate", Limits()) as execution:
        execution.send(order)
        deadline = time.monotonic() + 30
        execution.wait_ready(deadline)
        execution.receive(deadline)
        return decode(execution.receive(deadline)["value"])


if __name__ == "__main__":
    main()
