"""`selfplay verify`: judge a file of rows, write a file of verdicts. The contract other tools lean on.

In, one JSON object a line: `{"id", "prompt"?, "reference": {...}, "completion"}`; further keys are ignored.
Out, one a line, in the same order:
`{"id", "outcome", "reason", "detail", "score"?, "seconds", "verifier", "version"}`. A line that is not such an
object gives `{"id": null, "line": N, "outcome": "undecided", "reason": "bad_row", ...}` and the batch goes on.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import JsonValue

from selfplay.tasks.whole_file import whole_file
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Judgement, Row
from selfplay.verifiers.errors import BadFile
from selfplay.verifiers.workers.supervisor import Supervisor

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes; a longer line is a bad row, and is skipped without being held in memory."""
_KEYS = (("id", str, "a string"), ("reference", dict, "an object"), ("completion", str, "a string"))


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
class _BadLine:
    number: int
    what: str
    after: int
    """Good rows before it."""


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
        BadFile: the input cannot be read or the output cannot be written; nothing was judged.
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
        bad: deque[_BadLine] = deque()
        judgements = supervisor.judge(_good_rows(lines, bad))
        for number, judgement in enumerate(judgements):
            while bad and bad[0].after <= number:
                _count(summary, write, _bad_line(bad.popleft(), supervisor), progress)
            _count(summary, write, verdict_line(judgement), progress)
        for line in bad:
            _count(summary, write, _bad_line(line, supervisor), progress)
    summary.seconds = time.monotonic() - began
    return summary


def _good_rows(lines: BinaryIO, bad: deque[_BadLine]) -> Iterator[Row]:
    """The rows to judge; bad lines go to `bad`."""
    good = 0
    for number, raw in _lines(lines):
        try:
            if raw is None:
                raise ValueError(f"the line is longer than {LONGEST_LINE} bytes")
            row = row_of(parsed_object(raw))
        except ValueError as error:
            bad.append(_BadLine(number, str(error)[:300], good))
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


def parsed_object(line: bytes | str) -> dict[str, Any]:
    """The JSON object of a line. Raises ValueError with what is wrong, as a clause."""
    try:
        value = json.loads(line)
    except UnicodeDecodeError:
        raise ValueError("the line is not UTF-8") from None
    except RecursionError:
        raise ValueError("the line is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"the line is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError("the line is not a JSON object")
    return value


def row_of(value: dict[str, Any]) -> Row:
    """The row of a line's object; further keys are ignored. Raises ValueError with a clause that names the key."""
    for key, kind, called in _KEYS:
        if key not in value:
            raise ValueError(f"`{key}` is missing")
        if not isinstance(value[key], kind):
            raise ValueError(f"`{key}` must be {called}")
    wrong = no_number({"reference": value["reference"]})
    if wrong is not None:
        raise ValueError(wrong)
    prompt = value.get("prompt")
    if prompt is not None and not isinstance(prompt, str):
        raise ValueError("`prompt` must be a string")
    return Row(value["id"], value["reference"], value["completion"], prompt)


def no_number(value: JsonValue) -> str | None:
    """Where parsed JSON holds NaN or an infinity, which Python reads and JSON does not have, as a clause; else None."""
    waiting: list[tuple[str, JsonValue]] = [("", value)]
    while waiting:
        place, inside = waiting.pop()
        if isinstance(inside, float):
            if not math.isfinite(inside):
                return f"`{place[1:200]}` is {json.dumps(inside)}, which is no JSON number"
        elif isinstance(inside, dict):
            waiting += [
                (f"{place}.{key}", item) for key, item in inside.items() if isinstance(item, dict | list | float)
            ]
        elif isinstance(inside, list):
            waiting += [
                (f"{place}.{at}", item) for at, item in enumerate(inside) if isinstance(item, dict | list | float)
            ]
    return None


def verdict_line(judgement: Judgement) -> dict[str, Any]:
    """A judgement in the form in which other tools get it; see the top of this file."""
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


def _bad_line(bad: _BadLine, supervisor: Supervisor) -> dict[str, Any]:
    return {
        "id": None,
        "line": bad.number,
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
    progress: Callable[[Summary], None] | None,
) -> None:
    write(line)
    summary.rows += 1
    setattr(summary, line["outcome"], getattr(summary, line["outcome"]) + 1)
    summary.faults += line["reason"] == "fault"
    summary.bad_rows += line["id"] is None
    if progress is not None:
        progress(summary)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise BadFile(f"cannot read the input {path}: {error.strerror}") from error


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[Callable[[dict[str, Any]], None]]:
    with contextlib.ExitStack() as stack:
        try:
            out = stack.enter_context(whole_file(path))
        except OSError as error:
            raise BadFile(f"cannot write the output {path}: {error.strerror}") from error
        yield lambda line: print(json.dumps(line), file=out)
