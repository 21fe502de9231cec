"""The tables of docs/audits, measured again.

    SELFPLAY_DATA=... [JUDGE_URL=...] python benchmarks/audit_tables.py [NAME ...]

Between `<!-- audit: begin -->` and `<!-- audit: end -->` those pages have an indented command and what it printed. Each
such command (of the verifiers named, or of all) is run again and its table takes the place of the old one. For another
verifier, add the two marks with a command between them. A command that names an environment variable which is not set
is left as it is, with a line that says so.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

PAGES = Path(__file__).resolve().parents[1] / "docs" / "audits"
BLOCK = re.compile(
    r"(<!-- audit: begin -->\n\n    (selfplay verifiers audit (\S+)[^\n]*)\n)(.*?)(<!-- audit: end -->)", re.DOTALL
)


def measured(block: re.Match[str], names: list[str]) -> str:
    """The block with its table renewed; as it is where its verifier is not asked for."""
    if names and block[3] not in names:
        return block[0]
    unset = [name for name in re.findall(r"\$(\w+)", block[2]) if name not in os.environ]
    if unset:
        print(f"left as it is, since {unset[0]} is not set: {block[2]}", flush=True)
        return block[0]
    arguments = shlex.split(os.path.expandvars(block[2]))[1:]
    print(shlex.join(arguments), flush=True)
    ended = subprocess.run([sys.executable, "-m", "selfplay", *arguments], capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(ended.stderr or ended.stdout)
    # where the record and the page lie is of no interest to a reader
    lines = [line for line in ended.stdout.splitlines() if not line.startswith(("record ", "page "))]
    return f"{block[1]}\n" + "\n".join(lines).strip() + f"\n\n{block[5]}"


def main() -> None:
    names = sys.argv[1:]
    for page in sorted(PAGES.glob("*.md")):
        page.write_text(BLOCK.sub(lambda block: measured(block, names), page.read_text()))


if __name__ == "__main__":
    main()
