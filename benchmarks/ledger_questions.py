"""The answers in docs/ledger.md, from a small run.

    python benchmarks/ledger_questions.py             make the run, write the answers into docs/ledger.md
    python benchmarks/ledger_questions.py --run RUN   ask a run that is there already

Every block of SQL in the page is asked with `selfplay ledger query`, every line that begins with `selfplay lineage` or
`selfplay ledger digest` is carried out, and the block of text below it becomes what came out. The run is the
quickstart made small (`OVERRIDES`), on the transformers engine: on one machine it gives the same answers each time. On
another kind of processor a training may differ in its last bits, and then samples and ids differ too.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "ledger.md"
EXPERIMENT = ROOT / "experiments" / "quickstart" / "experiment.yaml"
OVERRIDES = (
    "engine.kind=transformers",
    "generations=2",
    "distill.steps=600",
    "tasks[0].problems=40",
    "tasks[1].problems=80",
    "evaluate.problems=40",
)
SELFPLAY = [sys.executable, "-m", "selfplay"]
BLOCKS = re.compile(r"```(sql|sh)\n(.*?)```\n\n```text\n.*?```", re.DOTALL)


def small_run(output: Path) -> Path:
    """Make the run; returns its directory."""
    overrides = [word for override in (f"output={output}", *OVERRIDES) for word in ("--set", override)]
    subprocess.run([*SELFPLAY, "run", str(EXPERIMENT), *overrides], cwd=ROOT, check=True)
    return next((output / "quickstart").iterdir())


def answer(run: Path, kind: str, question: str) -> str:
    """What the page's SQL or command prints."""
    if kind == "sql":
        return selfplay("ledger", "query", str(run), question)
    words = shlex.split(question.strip().removeprefix("selfplay"))
    return selfplay(*(str(run) if word == "RUN" else identity(run) if word == "ID" else word for word in words))


def identity(run: Path) -> str:
    """The training sample that the report shows with its ancestors."""
    from selfplay.report.family_figure import example_of_ancestors
    from selfplay.report.run_record import RunRecord

    with RunRecord.open(run) as record:
        example = example_of_ancestors(record)
    assert example is not None
    return example[0]


def selfplay(*arguments: str) -> str:
    done = subprocess.run([*SELFPLAY, *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


def answered(page: str, run: Path) -> str:
    """The page with every answer renewed."""

    def renew(block: re.Match[str]) -> str:
        kind, question = block[1], block[2]
        return f"```{kind}\n{question}```\n\n```text\n{answer(run, kind, question)}```"

    return BLOCKS.sub(renew, page)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="a run that is there already")
    run: Path | None = parser.parse_args().run
    with tempfile.TemporaryDirectory() as scratch:
        run = run or small_run(Path(scratch))
        PAGE.write_text(answered(PAGE.read_text(encoding="utf-8"), run), encoding="utf-8")


if __name__ == "__main__":
    main()
