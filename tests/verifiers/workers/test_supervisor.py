"""Workers under limits: each test runs real processes."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from selfplay.verifiers import BadSettings, BrokenVerifier, Row, Supervisor, UnknownVerifier, VerifierSpec

PLUGIN = r"""
import os, sys, time
from pathlib import Path
from selfplay.verifiers import Verdict, verifier

class Odd(Exception):
    def __str__(self):
        raise self

@verifier(name="strange", version="1")
def strange(reference, completion, timeout=None):
    word, _, rest = completion.partition(" ")
    print("noise on stdout", word)
    if word == "hang":
        time.sleep(1000)
    elif word == "sleep":
        time.sleep(float(rest))
    elif word == "die":
        os._exit(3)
    elif word == "die-once":
        if not Path(rest).exists():
            Path(rest).touch()
            os.kill(os.getpid(), 9)
    elif word == "memory":
        block = bytearray(10**11)
    elif word == "raise":
        raise KeyError("strange")
    elif word == "raise-odd":
        raise Odd
    elif word == "close":
        os.closerange(3, 256)
        time.sleep(float(rest))
    elif word == "raise-once":
        if not Path(rest).exists():
            Path(rest).touch()
            raise OSError("not yet")
    elif word == "exit":
        sys.exit(0)
    elif word == "bool":
        return True
    elif word == "nan":
        return Verdict.accept(score=float("nan"))
    elif word == "garbage":
        for fd in range(3, 64):
            try:
                os.write(fd, b"\xff\xff\xff\xff garbage")
            except OSError:
                pass
    elif word == "child":
        pid = os.fork()
        if pid == 0:
            time.sleep(1000)
        Path(rest).write_text(str(pid))
        time.sleep(1000)
    elif word == "long":
        return Verdict.accept(text="x" * 100_000, more="y" * 100)
    return Verdict.accept(size=len(completion), first=completion[:3], timeout=timeout)

@verifier(name="quick", version="1")
def quick(reference, completion):
    return Verdict.accept()

@verifier(name="never_starts", version="1")
def never_starts(reference, completion):
    return Verdict.accept()

if "EXIT_AT_IMPORT" in os.environ:
    os._exit(5)
if "AT_IMPORT" in os.environ:
    exec(os.environ["AT_IMPORT"])
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("plugin") / "strange.py"
    path.write_text(PLUGIN)
    return f"{path}:strange"


@pytest.fixture(scope="module")
def supervisor(plugin: str) -> Iterator[Supervisor]:
    with Supervisor(plugin, workers=2, timeout=0.2) as running:
        yield running


def outcomes(supervisor: Supervisor, *completions: str) -> list[tuple[str, str]]:
    rows = [Row(str(number), {}, completion) for number, completion in enumerate(completions)]
    judged = list(supervisor.judge(rows))
    assert [judgement.id for judgement in judged] == [row.id for row in rows]
    return [(judgement.verdict.outcome, judgement.verdict.reason) for judgement in judged]


GOOD = ("accepted", "accepted")
FAULT = ("undecided", "fault")
KILLS = ("rejected", "kills_its_judge")


def test_strange_rows_do_not_touch_their_neighbours(supervisor: Supervisor) -> None:
    strange = ["die", "memory", "raise", "exit", "bool", "nan", "garbage"]
    rows = [completion for each in strange for completion in ("fine", each)] + ["fine"] * 20
    expected = [x for each in (KILLS, KILLS, FAULT, FAULT, FAULT, FAULT, FAULT) for x in (GOOD, each)] + [GOOD] * 20
    assert outcomes(supervisor, *rows) == expected


FRAGILE = """
import os, signal, time
from selfplay.verifiers import Verdict, verifier

@verifier(name="fragile", version="1")
def fragile(reference, completion):
    if not completion.strip():
        return Verdict.reject("no_answer")
    if reference.get("deadly"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if completion.startswith("bomb") or reference.get("bombs"):
        if completion == "0" and reference["bombs"] == "raise":
            raise RuntimeError("not today")
        if completion == "0" and reference["bombs"] == "hang":
            time.sleep(1000)
        os._exit(3)
    return Verdict.accept()
"""


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("plugin") / "fragile.py"
    path.write_text(FRAGILE)
    return f"{path}:fragile"


def test_a_judge_that_dies_of_every_row_is_at_fault_and_not_the_completions(fragile: str) -> None:
    with Supervisor(fragile, workers=2) as supervisor:
        judged = list(supervisor.judge(Row(str(n), {"deadly": True}, text) for n, text in enumerate("a0cd")))
        assert [(j.verdict.outcome, j.verdict.reason) for j in judged] == [FAULT] * 4
        for judgement in judged:
            detail = judgement.verdict.detail
            assert (detail["cause"], detail["how"]) == ("judge_dies", "was ended by signal 11")
            assert "the judge dies: it was ended by signal 11, and on the completion `0`" in str(detail["what"])
        # with a reference that it lives through, the completion is to blame as before, first row or not
        assert outcomes(supervisor, "bomb", "fine", "bomb two") == [KILLS, GOOD, KILLS]


@pytest.mark.parametrize("way", ["raise", "hang"])
def test_a_judge_that_fails_on_a_harmless_completion_too_blames_nobody(fragile: str, way: str) -> None:
    with Supervisor(fragile, timeout=0.01) as supervisor:
        (judgement,) = supervisor.judge([Row("a", {"bombs": way}, "bomb")])
    assert (judgement.verdict.outcome, judgement.verdict.reason) == FAULT
    assert judgement.verdict.detail["cause"] == "judge_dies"


def test_a_row_that_is_cancelled_while_its_control_runs_stops_nothing(fragile: str) -> None:
    with Supervisor(fragile) as supervisor:
        left = [supervisor.submit(Row(str(n), {"deadly": True}, "a")) for n in range(3)]
        left[0].result()
        assert all(future.cancel() for future in left[1:])
        assert outcomes(supervisor, "fine") == [GOOD]


def test_a_hung_judge_is_a_fault_at_twice_the_timeout_plus_five(supervisor: Supervisor) -> None:
    began = time.monotonic()
    assert outcomes(supervisor, "fine", "hang", "fine", "fine") == [GOOD, FAULT, GOOD, GOOD]
    assert 5.4 <= time.monotonic() - began < 9


def test_a_row_whose_worker_was_killed_once_is_judged_again(supervisor: Supervisor, tmp_path: Path) -> None:
    assert outcomes(supervisor, f"die-once {tmp_path}/mark", "fine") == [GOOD, GOOD]
    assert (tmp_path / "mark").exists()


def test_a_fault_is_judged_a_second_time(supervisor: Supervisor, tmp_path: Path) -> None:
    assert outcomes(supervisor, "fine", f"raise-once {tmp_path}/mark", "raise") == [GOOD, GOOD, FAULT]


def test_the_reason_of_a_fault_is_kept(supervisor: Supervisor) -> None:
    (judgement,) = supervisor.judge([Row("a", {}, "raise")])
    assert judgement.verdict.detail == {"what": "strange raised KeyError: 'strange'"}
    (judgement,) = supervisor.judge([Row("a", {}, "die")])
    assert judgement.verdict.detail == {"how": "exited with status 3"}


def test_hostile_text_survives_the_way(supervisor: Supervisor) -> None:
    texts = ["\0\0", "\ud800 half a pair", "line\nline\r\n\x1b[31m", "é" * 3, "x" * 5_000_000, ""]
    judged = list(supervisor.judge(Row(str(n), {"text": text}, text) for n, text in enumerate(texts)))
    assert [judgement.verdict.detail["size"] for judgement in judged] == [len(text) for text in texts]
    assert judged[1].verdict.detail["first"] == "\\ud800 h"


def test_evidence_is_cut_to_four_kilobytes(supervisor: Supervisor) -> None:
    (judgement,) = supervisor.judge([Row("a", {}, "long")])
    detail = judgement.verdict.detail
    assert detail["truncated"] is True
    assert str(detail["text"]).startswith("xxx")
    assert detail["more"] == "y" * 100
    assert len(str(detail)) < 4096


def test_the_timeout_reaches_a_verifier_that_wants_it(supervisor: Supervisor) -> None:
    (judgement,) = supervisor.judge([Row("a", {}, "fine")])
    assert judgement.verdict.detail["timeout"] == 0.2


def test_a_judgement_says_who_judged(supervisor: Supervisor) -> None:
    (judgement,) = supervisor.judge([Row("same", {}, "sleep 0.05")])
    assert (judgement.id, judgement.verifier, judgement.version) == ("same", "strange", "1")
    assert judgement.settings_hash == supervisor.settings_hash
    assert judgement.sandbox_level is None
    assert 0.05 <= judgement.seconds < 1


def test_workers_judge_at_the_same_time(supervisor: Supervisor) -> None:
    began = time.monotonic()
    outcomes(supervisor, *["sleep 0.2"] * 8)
    assert time.monotonic() - began < 1.5  # 1.6 s one after another


def test_a_stream_is_judged_while_it_is_still_coming(supervisor: Supervisor) -> None:
    seen: list[str] = []

    def rows() -> Iterator[Row]:
        for number in range(5):
            yield Row(str(number), {}, "fine")
            time.sleep(0.1)
            seen.append(f"asked {number}")

    for judgement in supervisor.judge(rows()):
        seen.append(f"judged {judgement.id}")
    assert seen.index("judged 0") < seen.index("asked 4")


def test_reading_ahead_is_bounded(plugin: str) -> None:
    taken = 0

    def rows() -> Iterator[Row]:
        nonlocal taken
        for number in range(100_000):
            taken += 1
            yield Row(str(number), {}, "sleep 0.001")

    with Supervisor(plugin) as supervisor:
        judged = supervisor.judge(rows())
        next(judged)
        assert taken <= 2048
        judged.close()
        assert outcomes(supervisor, "fine") == [GOOD]


def _is_gone(pid: int) -> bool:
    """Ended within 10 s (a killed process needs to be scheduled once to die), if perhaps not yet reaped."""
    for _ in range(200):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_a_killed_worker_takes_its_children_along(plugin: str, tmp_path: Path) -> None:
    with Supervisor(plugin, timeout=0.01) as supervisor:
        assert outcomes(supervisor, f"child {tmp_path}/pid") == [FAULT]
        assert _is_gone(int((tmp_path / "pid").read_text()))


def test_close_leaves_no_process(plugin: str) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    supervisor = Supervisor(plugin, workers=2)
    busy = supervisor.submit(Row("a", {}, "hang"))
    assert {child.pid for child in psutil.Process().children(recursive=True)} - before
    supervisor.close()
    supervisor.close()
    assert not {child.pid for child in psutil.Process().children(recursive=True)} - before
    assert busy.cancelled()
    with pytest.raises(BrokenVerifier, match="closed"):
        supervisor.submit(Row("a", {}, "fine"))


def test_workers_die_with_a_parent_that_is_killed(plugin: str) -> None:
    script = (
        "import sys, time, psutil\n"
        "from selfplay.verifiers import Row, Supervisor\n"
        f"supervisor = Supervisor({plugin!r})\n"
        "supervisor.submit(Row('a', {}, 'hang'))\n"
        "time.sleep(0.3)\n"
        "print(psutil.Process().children()[0].pid, flush=True)\n"
        "time.sleep(1000)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while not _is_gone(worker):
        assert time.monotonic() < deadline, "the worker outlived its parent"
        time.sleep(0.05)


def test_user_errors_come_before_any_row(plugin: str) -> None:
    with pytest.raises(UnknownVerifier):
        Supervisor("no_such_verifier")
    with pytest.raises(BadSettings, match="`speed`"):
        Supervisor(VerifierSpec(verifier=plugin, settings={"speed": 1}))


def test_a_search_path_with_other_than_text_starts_workers(
    plugin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, tmp_path, b"bytes"])
    with Supervisor(plugin) as supervisor:
        assert outcomes(supervisor, "fine") == [GOOD]


def test_workers_that_never_start_are_an_error_and_no_hang(plugin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXIT_AT_IMPORT", "1")
    with pytest.raises(BrokenVerifier, match=r"do not start.*status 5"):
        Supervisor(plugin)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("os.closerange(3, 256)", r"do not start \(exited with status 1; OSError: .*\); repair the plugin"),
        ("os.closerange(3, 256); time.sleep(60)", r"do not start \(closed its connection; .*\); repair the plugin"),
        ("os.abort()", r"do not start \(was ended by signal 6; .*\); give them more memory, or repair the plugin"),
        ("os.kill(os.getpid(), 9)", r"do not start \(was ended by signal 9; .*\); give them more memory, or repair"),
        ("raise Odd", "Odd, which cannot say why"),
    ],
)
def test_how_a_worker_ended_is_told_as_it_was(
    plugin: str, monkeypatch: pytest.MonkeyPatch, line: str, words: str
) -> None:
    monkeypatch.setenv("AT_IMPORT", line)
    with pytest.raises(BrokenVerifier, match=words):
        Supervisor(plugin)


@pytest.mark.parametrize(("seconds", "how"), [("0", "exited with status 1"), ("60", "closed its connection")])
def test_a_worker_that_closes_its_connection_was_not_ended_by_a_signal(
    supervisor: Supervisor, seconds: str, how: str
) -> None:
    (judgement,) = supervisor.judge([Row("a", {}, f"close {seconds}")])
    assert judgement.verdict.detail == {"how": how}


def test_an_exception_that_cannot_say_why_is_a_fault_like_others(supervisor: Supervisor) -> None:
    first, second = supervisor.judge([Row("a", {}, "raise-odd"), Row("b", {}, "fine")])
    assert first.verdict.detail == {"what": "strange raised Odd, which cannot say why"}
    assert second.verdict.outcome == "accepted"


@pytest.mark.parametrize("line", ["time.sleep(1000)", "while True: pass"])
def test_a_plugin_that_hangs_at_import_is_told_after_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setenv("SELFPLAY_IMPORT_SECONDS", "2")
    (tmp_path / "hangs.py").write_text(f"import time\n{line}\n")
    with pytest.raises(BrokenVerifier, match=r"hangs\.py:x gave no answer within 2 s while it is imported; repair"):
        Supervisor(f"{tmp_path}/hangs.py:x", workers=2)


def test_a_plugin_that_breaks_while_running_fails_what_waits(plugin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Supervisor(plugin) as supervisor:
        monkeypatch.setenv("EXIT_AT_IMPORT", "1")
        with pytest.raises(BrokenVerifier, match="do not start"):
            outcomes(supervisor, "fine", "die", "fine")


def test_the_same_from_threads_and_asyncio(supervisor: Supervisor) -> None:
    found: list[list[tuple[str, str]]] = []
    threads = [
        threading.Thread(target=lambda: found.append(outcomes(supervisor, "fine", "raise", "fine"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[GOOD, FAULT, GOOD]] * 4

    async def ask() -> list[str]:
        futures = [asyncio.wrap_future(supervisor.submit(Row("a", {}, text))) for text in ("fine", "raise")]
        return [judgement.verdict.outcome for judgement in await asyncio.gather(*futures)]

    assert asyncio.run(ask()) == ["accepted", "undecided"]


def _in_child(plugin: str, results: multiprocessing.Queue[object]) -> None:
    with Supervisor(plugin) as supervisor:
        results.put(outcomes(supervisor, "fine", "raise"))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_same_from_forked_and_spawned_processes(plugin: str, method: str) -> None:
    if method == "spawn":
        script = (
            "from selfplay.verifiers import Row, Supervisor\n"
            f"with Supervisor({plugin!r}) as s:\n"
            "    print([j.verdict.reason for j in s.judge([Row('a', {}, 'fine'), Row('b', {}, 'raise')])])\n"
        )
        shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert shown.stdout == "['accepted', 'fault']\n"
        return
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=_in_child, args=(plugin, results))
    child.start()
    assert results.get(timeout=30) == [GOOD, FAULT]
    child.join()


def test_a_supervisor_inherited_by_a_fork_refuses(supervisor: Supervisor) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            supervisor.submit(Row("a", {}, "fine"))
        except BrokenVerifier:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert outcomes(supervisor, "fine") == [GOOD]


def test_overhead_per_row_is_small(plugin: str) -> None:
    with Supervisor(plugin.replace(":strange", ":quick")) as supervisor:
        outcomes(supervisor, *["warm"] * 100)
        began = time.monotonic()
        count = sum(1 for _ in supervisor.judge(Row(str(n), {"answer": "1"}, "abc") for n in range(5_000)))
        assert (time.monotonic() - began) / count < 0.001


def test_a_plugin_may_use_another_package_called_verifiers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a checkout ours lies in a folder of that name, which a worker must not find first."""
    (tmp_path / "verifiers").mkdir()
    (tmp_path / "verifiers" / "__init__.py").write_text("THEIRS = True\n")
    (tmp_path / "mine.py").write_text(
        "from selfplay.verifiers import Verdict, verifier\n"
        "import verifiers\n"
        "@verifier(name='mine', version='1')\n"
        "def mine(reference, completion):\n"
        "    return Verdict.accept() if verifiers.THEIRS else Verdict.reject()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with Supervisor(f"{tmp_path / 'mine.py'}:mine") as supervisor:
        (judgement,) = supervisor.judge([Row("1", {}, "")])
    assert judgement.verdict.outcome == "accepted"
