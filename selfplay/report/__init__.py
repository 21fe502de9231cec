"""The report of a run: one HTML page that opens offline, its figures, and `scores.csv`.

page = write_report(Path("runs/quickstart/20260101-120000-abc123"))
"""

from __future__ import annotations

from pathlib import Path


def write_report(run: Path) -> Path:
    """Write `report/index.html`, `report/figures/*` and `report/scores.csv` of a run, finished or not.

    Every file is written under a temporary name and renamed, so a reader sees the old report or the new one.
    Needs no network, model or cluster, and never writes to the ledger.

    Args:
        run: a run directory, such as `runs/quickstart/20260101-120000-abc123`.

    Returns:
        The path of `index.html`.

    Raises:
        RunError: the folder is no run, its config cannot be read, or the report cannot be written.
    """
    from selfplay.report.report_page import write_page

    return write_page(run)
