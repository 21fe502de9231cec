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
        spec, workers, timeout, memory_mb: as for `Supervisor`, and so are its errors.
        progress: called after every row with the running counts.

    Raises:
        BadFile: the input cannot be read or the output cannot be written; nothing was judged.
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

        def put(line: dict[str, Any]) -> None:
            write(line)
            summary.rows += 1
            setattr(summary, line["outcome"], getattr(summary, line["outcome"]) + 1)
            summary.faults += line["reason"] == "fault"
            summary.bad_rows += line["id"] is None
            if progress is not None:
                progress(summary)

        bad: deque[tuple[int, dict[str, Any]]] = deque()
        for number, judgement in enumerate(supervisor.judge(_good_rows(lines, bad, supervisor))):
            while bad and bad[0][0] <= number:
                put(bad.popleft()[1])
            put(verdict_line(judgement))
        for _, line in bad:
            put(line)
    summary.seconds = time.monotonic() - began
    return summary


def _good_rows(lines: BinaryIO, bad: deque[tuple[int, dict[str, Any]]], supervisor: Supervisor) -> Iterator[Row]:
    """The rows to judge. For a bad line, `bad` gets the number of good rows before it, and what is written for it."""
    good = 0
    for number, raw in _lines(lines):
        try:
            if raw is None:
                raise ValueError(f"the line is longer than {LONGEST_LINE} bytes")
            row = row_of(parsed_object(raw))
        except ValueError as error:
            line = {
                "id": None,
                "line": number,
                "outcome": "undecided",
                "reason": "bad_row",
                "detail": {"what": str(error)[:300]},
                "seconds": 0.0,
                "verifier": supervisor.name,
                "version": supervisor.version,
            }
            bad.append((good, line))
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
            continue
        items = inside.items() if isinstance(inside, dict) else enumerate(inside) if isinstance(inside, list) else ()
        waiting += [(f"{place}.{key}", item) for key, item in items if isinstance(item, dict | list | float)]
    return None


def verdict_line(judgement: Judgement) -> dict[str, Any]:
    """A judgement in the form in which other tools get it; see the top of this file."""
    verdict = judgement.verdict
    return {
        "id": judgement.id,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "detail": verdict.detail,
        **({} if verdict.score is None else {"score": verdict.score}),
        "seconds": round(judgement.seconds, 6),
        "verifier": judgement.verifier,
        "version": judgement.version,
    }


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
