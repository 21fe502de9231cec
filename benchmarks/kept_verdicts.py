"""Are all verdicts what they were? One large fixed corpus, judged before a change and after it.

    SELFPLAY_DATA=... python benchmarks/kept_verdicts.py rows ROWS.jsonl
    python benchmarks/kept_verdicts.py judge ROWS.jsonl VERDICTS.jsonl [--workers 2] [--selfplay COMMAND]
    python benchmarks/kept_verdicts.py compare BEFORE.jsonl AFTER.jsonl

`rows` writes the corpus: id, group, verifier, settings, reference, completion and prompt of each row. `judge` asks
`selfplay verify`, by default of this environment; --selfplay names that of another, such as a clone of an older commit
(`--selfplay older/.venv/bin/selfplay`). `compare` prints every row with another outcome or reason, and counts; exit
code 1 where there is one. Write the rows once, and judge the same file on both sides: the corpus (kept_rows.py) is made
from this tree's own data, so it may change with it.

A verdict that may depend on time (a time limit, or undecided) is judged a second time, one row at a time after all
others, and the second verdict is kept. Some rows still end in more than one way (an attack that meets one of two
limits): judge twice on one side, and compare the two, to know which.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").rstrip("\n").split("\n")]


def write(path: Path, written: Sequence[Row]) -> None:
    path.write_text("".join(json.dumps(one) + "\n" for one in written), encoding="utf-8")


def judge(source: Path, target: Path, command: list[str], workers: int) -> None:
    rows = lines(source)
    verdicts: dict[int, Row] = {}
    judge_places(rows, range(len(rows)), verdicts, command, workers)
    timed = [place for place, verdict in verdicts.items() if may_be_timed(verdict)]
    before = {place: told(verdicts[place]) for place in timed}
    print(f"{len(timed):,} verdicts that may depend on time, again alone")
    judge_places(rows, timed, verdicts, command, 1)
    print(f"{sum(before[place] != told(verdicts[place]) for place in timed)} of them were others then")
    told_of = [{key: verdicts[place][key] for key in ("outcome", "reason")} for place in range(len(rows))]
    kept = [{key: one[key] for key in ("id", "group", "verifier", "settings")} for one in rows]
    write(target, [{**one, **verdict} for one, verdict in zip(kept, told_of, strict=True)])


def judge_places(
    rows: list[Row], places: Sequence[int], verdicts: dict[int, Row], command: list[str], workers: int
) -> None:
    """Judge some of the rows, those of one verifier and settings together."""
    together: dict[str, list[int]] = defaultdict(list)
    for place in places:
        together[json.dumps([rows[place]["verifier"], rows[place]["settings"]])].append(place)
    for name, chosen in together.items():
        verifier, settings = json.loads(name)
        began = time.monotonic()
        # a folder of its own, so that no tree's modules are found by where this was started
        with tempfile.TemporaryDirectory() as folder:
            given, verdict_file = Path(folder) / "rows.jsonl", Path(folder) / "verdicts.jsonl"
            keys = ("reference", "completion", "prompt")
            write(given, [{"id": str(place), **{key: rows[place][key] for key in keys}} for place in chosen])
            asked = [*command, "verify", verifier, "--input", str(given), "--output", str(verdict_file)]
            asked += ["--workers", str(workers)]
            asked += [word for key, value in settings.items() for word in ("--set", f"{key}={json.dumps(value)}")]
            ended = subprocess.run(asked, cwd=folder, capture_output=True, text=True)
            if ended.returncode:
                raise SystemExit(f"{shlex.join(asked)} failed:\n{ended.stderr or ended.stdout}")
            found = lines(verdict_file)
        assert [verdict["id"] for verdict in found] == [str(place) for place in chosen]
        verdicts.update(zip(chosen, found, strict=True))
        print(f"{len(chosen):6,} rows {time.monotonic() - began:6.0f} s  {verifier} {json.dumps(settings)}", flush=True)


def may_be_timed(verdict: Row) -> bool:
    return verdict["reason"] == "time_limit" or verdict["outcome"] == "undecided"


def told(verdict: Row | None) -> str:
    return f"{verdict['outcome']} {verdict['reason']}" if verdict else "not there"


def compare(before: Path, after: Path) -> int:
    left, right = ({one["id"]: one for one in lines(path)} for path in (before, after))
    rows: Counter[tuple[str, str]] = Counter()
    changed: Counter[tuple[str, str]] = Counter()
    for name in {**left, **right}:
        one = left.get(name) or right[name]
        kind = (one["group"], one["verifier"])
        rows[kind] += 1
        if told(left.get(name)) != told(right.get(name)):
            changed[kind] += 1
            print(f"{name} ({one['verifier']}): {told(left.get(name))} -> {told(right.get(name))}")
    print(f"{'group':16} {'verifier':14} {'rows':>7} {'changed':>7}")
    for group, verifier in rows:
        kind = (group, verifier)
        print(f"{group:16} {verifier:14} {rows[kind]:7,} {changed[kind]:7,}")
    print(f"{'all':31} {rows.total():7,} {changed.total():7,}")
    return 1 if changed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("rows").add_argument("rows", type=Path)
    judging = verbs.add_parser("judge")
    judging.add_argument("rows", type=Path)
    judging.add_argument("verdicts", type=Path)
    judging.add_argument("--workers", type=int, default=2)
    judging.add_argument("--selfplay", default=shlex.join([sys.executable, "-m", "selfplay"]), metavar="COMMAND")
    comparing = verbs.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    asked = parser.parse_args()
    if asked.verb == "rows":
        from kept_rows import corpus

        write(asked.rows, corpus())
    elif asked.verb == "judge":
        program, *rest = shlex.split(asked.selfplay)
        judge(asked.rows, asked.verdicts, [os.path.abspath(shutil.which(program) or program), *rest], asked.workers)
    else:
        return compare(asked.before, asked.after)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
