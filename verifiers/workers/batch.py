"""`selfplay verify`: judge a file of rows, write a file of verdicts. The contract other tools lean on.

In, one JSON object a line: `{"id", "prompt"?, "reference": {...}, "completion"}`; further keys are ignored.
Out, one a line, in the same order:
`{"id", "outcome", "reason", "detail", "score"?, "seconds", "verifier", "version"}`. A line that is no such
object gives `{"id": null, "line": N, "outcome": "undecided", "reason": "bad_row", ...}` and stops nothing.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from selfplay.tasks.whole_file import whole_file
from selfplay.verifiers.contract.judgement import Judgement, Row
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.errors import BadFile
from selfplay.verifiers.workers.frames import no_number
from selfplay.verifiers.workers.supervisor import Supervisor

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes; a longer line is a bad row, and is skipped without being held in memory."""


@dataclass
class Summary:
    """Counts of one batch; `seconds` is wall-clock time, workers' start included."""

    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    undecided: int = 0
    """Includes faults and bad rows."""
    faults: int = 0
    bad_rows: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class _BadRow:
    line: int
    what: str


def verify_file(
    spec: VerifierSpec | str,
    input: Path,
    output: Path,
    *,
    workers: int = 1,
    timeout: float | None = None,
    memory_mb: int = 2048,
    progress: Callable[[Summary], None] | None = None,
) -> Summary:
    """Judge every line of `input`; `output` appears when it is whole.

    Args:
        spec: the verifier, as for `Supervisor`.
        workers: verifier processes.
        timeout: the completion's own budget in seconds; the deadline is twice that plus 5 s.
        progress: called after every row with the running counts.

    Raises:
        BadFile: the input cannot be read or the output not be written; nothing was judged.
        UnknownVerifier, BadSettings, BrokenVerifier: see `Supervisor`.
    """
    began = time.monotonic()
    summary = Summary()
    source, target = Path(input), Path(output)
    if target.exists() and source.exists() and target.samefile(source):
        raise BadFile(f"the output {target} is the input itself, whose rows would be lost; give another --output")
    with (
        _opened(source) as lines,
        _whole(target) as write,
        Supervisor(spec, workers=workers, timeout=timeout, memory_mb=memory_mb) as supervisor,
    ):
        bad: deque[tuple[int, _BadRow]] = deque()
        judgements = supervisor.judge(_good_rows(lines, bad))
        for number, judgement in enumerate(judgements):
            while bad and bad[0][0] <= number:
                _count(summary, write, _bad_line(bad.popleft()[1], supervisor), "bad_row", progress)
            _count(summary, write, verdict_line(judgement), judgement.verdict.reason, progress)
        for _, row in bad:
            _count(summary, write, _bad_line(row, supervisor), "bad_row", progress)
    summary.seconds = time.monotonic() - began
    return summary


def _good_rows(lines: BinaryIO, bad: deque[tuple[int, _BadRow]]) -> Iterator[Row]:
    """The rows to judge; a bad one is put aside with the number of good rows before it."""
    good = 0
    for number, raw in _lines(lines):
        row = _parse(number, raw)
        if isinstance(row, _BadRow):
            bad.append((good, row))
        else:
            good += 1
            yield row


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Line number from 1 and bytes without the line end; None for a line that is too long."""
    number = 0
    while raw := stream.readline(LONGEST_LINE):
        number += 1
        if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
            while (rest := stream.readline(1 << 20)) and not rest.endswith(b"\n"):
                pass
            yield number, None
        else:
            yield number, raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw


def _parse(number: int, raw: bytes | None) -> Row | _BadRow:
    if raw is None:
        return _BadRow(number, f"the line is longer than {LONGEST_LINE} bytes")
    try:
        value = json.loads(raw)
    except UnicodeDecodeError:
        return _BadRow(number, "the line is not UTF-8")
    except RecursionError:
        return _BadRow(number, "the line is nested too deeply")
    except ValueError as error:
        return _BadRow(number, f"the line is not JSON: {error}"[:300])
    if not isinstance(value, dict):
        return _BadRow(number, "the line is not a JSON object")
    for key, kind, called in (
        ("id", str, "a string"),
        ("reference", dict, "an object"),
        ("completion", str, "a string"),
    ):
        if key not in value:
            return _BadRow(number, f"`{key}` is missing")
        if not isinstance(value[key], kind):
            return _BadRow(number, f"`{key}` must be {called}")
    wrong = no_number({"reference": value["reference"]})
    if wrong is not None:
        return _BadRow(number, wrong)
    prompt = value.get("prompt")
    if prompt is not None and not isinstance(prompt, str):
        return _BadRow(number, "`prompt` must be a string")
    return Row(value["id"], value["reference"], value["completion"], prompt)


def verdict_line(judgement: Judgement) -> dict[str, Any]:
    """A judgement in the shape in which other tools are given it; see the top of this file."""
    verdict = judgement.verdict
    line: dict[str, Any] = {
        "id": judgement.id,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "detail": verdict.detail,
    }
    if verdict.score is not None:
        line["score"] = verdict.score
    line |= {
        "seconds": round(judgement.seconds, 6),
        "verifier": judgement.verifier,
        "version": judgement.version,
    }
    return line


def _bad_line(bad: _BadRow, supervisor: Supervisor) -> dict[str, Any]:
    return {
        "id": None,
        "line": bad.line,
        "outcome": "undecided",
        "reason": "bad_row",
        "detail": {"what": bad.what},
        "seconds": 0.0,
        "verifier": supervisor.name,
        "version": supervisor.version,
    }


def _count(
    summary: Summary,
    write: Callable[[dict[str, Any]], None],
    line: dict[str, Any],
    reason: str,
    progress: Callable[[Summary], None] | None,
) -> None:
    write(line)
    summary.rows += 1
    setattr(summary, line["outcome"], getattr(summary, line["outcome"]) + 1)
    summary.faults += reason == "fault"
    summary.bad_rows += reason == "bad_row"
    if progress is not None:
        progress(summary)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise BadFile(f"cannot read the input {path}: {error.strerror}") from error


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Write lines to a file, whole or not at all."""
    with contextlib.ExitStack() as stack:
        try:
            if path.is_dir():
                raise IsADirectoryError(21, "it is a folder")
            out = stack.enter_context(whole_file(path))
        except OSError as error:
            raise BadFile(f"cannot write the output {path}: {error.strerror}") from error
        yield lambda line: print(json.dumps(line), file=out)
