"""Chaos: kill parts of a run at random, resume it until it is done, and compare its digest with an undisturbed run's.

    python benchmarks/chaos.py --minutes 10 [--config experiments/quickstart/small.yaml] [--seed 0]

An undisturbed run comes first. Then runs of the same config are started and disturbed for the given time: at a random
moment one of INJECTIONS is made, a random one of those made least often; a driver that has ended is started again with
`--resume`. A run that is done is compared and the next one begun. The last run is left alone to its end. Prints what
was injected and what came of it; exit code 1 when a digest differs or a run ends in a way that it must not.

What is covered: the driver (killed, ended by SIGTERM, interrupted by Ctrl-C), its process group, Ray's head, an
engine, the judge, a verifier's worker, the training process, and a flipped bit in a ledger's file. What is not: a full
disk, a lost folder, the machine itself.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil

from selfplay.cluster.connection import TOO_BUSY
from selfplay.ledger.digest import check, digest
from selfplay.ledger.ledger import Ledger

HERE = Path(__file__).resolve().parent.parent
SMALL = HERE / "experiments/quickstart/small.yaml"
STARTS = 4
"""Times that a run is started whose Ray does not come up."""
LONGEST = 600.0
"""Seconds after which a run that nobody disturbs counts as hanging."""
ENDINGS = (0, 2, 130, 143)
"""Exit codes of a driver that was not itself killed: done, or stopped with a sentence."""
LOOK_FOR_WORKERS_EVERY = 0.25
"""Seconds; to find all processes below the driver takes many times longer than to read what the known ones do."""


class Driver:
    """One `selfplay run` as a process of its own, in a process group of its own."""

    def __init__(self, config: Path, output: Path, *, resume: Path | None = None, extra: tuple[str, ...] = ()) -> None:
        command = [sys.executable, "-m", "selfplay", "run", str(config), "--set", f"output={output}", *extra]
        if resume is not None:
            command += ["--resume", str(resume)]
        self.log = Path(tempfile.mkstemp(suffix=".log", dir=output)[1])
        self._file = self.log.open("wb")
        self._run = resume
        self.began = time.time()
        """On the clock of the files that it writes."""
        self._workers: list[int] = []
        self._looked = -LOOK_FOR_WORKERS_EVERY
        self.process = subprocess.Popen(
            command, cwd=HERE, stdout=self._file, stderr=subprocess.STDOUT, start_new_session=True
        )

    @property
    def run(self) -> Path | None:
        """The run directory, as soon as the driver has printed it."""
        if self._run is None and (found := re.search(r"^run (\S+)", self.said(), re.MULTILINE)):
            self._run = HERE / found[1]
        return self._run

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def ended(self) -> bool:
        return self.process.poll() is not None

    def was_too_busy(self) -> bool:
        """Whether it ended because Ray did not come up, which Ray gives up after 15 seconds on a busy machine."""
        return self.ended() and TOO_BUSY in self.said()

    def wait(self, seconds: float = LONGEST) -> int:
        """The exit code; negative where a signal ended it."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill_group()
            raise RuntimeError(f"the run hangs; its last words: {self.said()[-2000:]}") from None

    def wait_until(self, moment: Callable[[Driver], bool], *, every: float = 0.05, seconds: float = LONGEST) -> bool:
        """Wait for a moment, looking for it `every` so many seconds; False where the driver ended before it came."""
        end = time.monotonic() + seconds
        while not self.ended():
            if moment(self):
                return True
            if time.monotonic() > end:
                self.kill_group()
                raise RuntimeError(f"the moment did not come; the run's last words: {self.said()[-2000:]}")
            time.sleep(every)
        return False

    def parts(self, title: str) -> list[psutil.Process]:
        """Processes below the driver whose name or command line begins with, or holds, the title."""
        found = []
        try:
            below = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        for process in below:
            try:
                line = " ".join(process.cmdline())
                if process.name() == title or line.startswith(title) or f" {title} " in f" {line} ":
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
        return found

    def does(self, title: str) -> bool:
        """Whether a Ray worker of this run works on what the title begins, such as `ray::Judge.judge`.

        Fast enough to be asked every millisecond: Ray writes into a worker's command line what it does.
        """
        if time.monotonic() - self._looked > LOOK_FOR_WORKERS_EVERY:
            self._workers = [process.pid for process in self.parts("ray::")]
            self._looked = time.monotonic()
        return any(_command_line(worker).startswith(title) for worker in self._workers)

    def interrupt(self) -> bool:
        return self._signal(signal.SIGINT)

    def terminate(self) -> bool:
        return self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> bool:
        """Send a signal to the driver alone; False where it has ended."""
        if not self.ended():
            self.process.send_signal(number)
        return not self.ended()

    def kill_driver(self) -> bool:
        self.process.kill()
        self.process.wait()
        return True

    def kill_group(self) -> bool:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        self.process.wait()
        return True

    def kill_head(self) -> bool:
        """Ray's head: the control service and the node's daemon."""
        return self.kill_parts("gcs_server", "raylet")

    def kill_parts(self, *titles: str) -> bool:
        """Kill every process of these titles; False where there was none."""
        processes = [process for title in titles for process in self.parts(title)]
        for process in processes:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        return bool(processes)

    def close(self) -> None:
        self._file.close()


def _command_line(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def flip_a_bit(driver: Driver) -> bool:
    """Stop the driver and change one bit of one file of its ledger."""
    files = sorted((driver.run / "ledger").glob("*.parquet")) if driver.run else []
    if not files:
        return False
    driver.kill_group()
    file = random.choice(files)
    content = bytearray(file.read_bytes())
    content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    file.write_bytes(content)
    return True


INJECTIONS: dict[str, Callable[[Driver], bool]] = {
    "SIGTERM to the driver": Driver.terminate,
    "Ctrl-C to the driver": Driver.interrupt,
    "kill -9 the driver": Driver.kill_driver,
    "kill -9 the process group": Driver.kill_group,
    "kill -9 Ray's head": Driver.kill_head,
    "kill -9 the engine": lambda driver: driver.kill_parts("ray::Replica"),
    "kill -9 the judge": lambda driver: driver.kill_parts("ray::Judge"),
    "kill -9 a verifier's worker": lambda driver: driver.kill_parts("selfplay.verifiers.workers.worker"),
    "kill -9 the training process": lambda driver: driver.kill_parts("ray::_TrainingProcess"),
    "flip one bit of the ledger": flip_a_bit,
}


def total(run: Path) -> str:
    """The digest of a run, after its ledger was checked.

    Raises:
        RuntimeError: the check found something.
    """
    if found := check(run):
        raise RuntimeError(f"{run}: {found[0]}")
    return digest(Ledger.of_run(run)).total


def finished(config: Path, output: Path, *, resume: Path | None = None, extra: tuple[str, ...] = ()) -> Driver:
    """A driver that nobody touches, at its good end; started again where the machine was too busy for Ray.

    Raises:
        RuntimeError: with its last words.
    """
    for _ in range(STARTS):
        driver = Driver(config, output, resume=resume, extra=extra)
        code = driver.wait()
        driver.close()
        if code == 0:
            return driver
        resume = driver.run
        if not driver.was_too_busy():
            break
    raise RuntimeError(f"a run that nobody touched ended with {code}: {driver.said()[-2000:]}")


def undisturbed(config: Path, output: Path) -> tuple[str, float]:
    """The digest of a run that nobody touches, and the seconds it took."""
    began = time.monotonic()
    driver = finished(config, output)
    assert driver.run is not None
    return total(driver.run), time.monotonic() - began


def disturb(config: Path, output: Path, minutes: float, seed: int) -> bool:
    """Disturb runs for a while and print what came of it; whether all is as it must be."""
    random.seed(seed)
    expected, seconds = undisturbed(config, output)
    print(f"undisturbed    {seconds:6.1f} s    digest {expected[:16]}", flush=True)
    began, end = time.monotonic(), time.monotonic() + 60 * minutes
    made: Counter[str] = Counter()
    endings: Counter[str] = Counter()
    digests: list[str] = []
    while time.monotonic() < end:
        driver, started = Driver(config, output), time.monotonic()
        whole = True
        while True:
            left = end - time.monotonic()
            touched = left > 0 and _inject(driver, min(left, random.uniform(0, seconds)), began, made)
            code = driver.wait()
            driver.close()
            endings[_ending(code, driver.said())] += 1
            whole = whole and not touched
            if code == 0:
                break
            if not touched and not driver.was_too_busy():
                raise RuntimeError(f"a run that nobody touched ended with {code}: {driver.said()[-2000:]}")
            driver = Driver(config, output, resume=driver.run)
        if whole:
            seconds = min(seconds, time.monotonic() - started)
        assert driver.run is not None
        digests.append(total(driver.run))
        same = "equal" if digests[-1] == expected else "DIFFERENT"
        print(f"{time.monotonic() - began:6.0f} s    run done       digest {digests[-1][:16]} {same}", flush=True)
    print("\ninjected                         times")
    for name in INJECTIONS:
        print(f"{name:32} {made[name]:5}")
    print("\nthe driver ended                 times")
    for name, times in sorted(endings.items()):
        print(f"{name:32} {times:5}")
    well = all(one == expected for one in digests) and not any(name.startswith("BAD") for name in endings)
    print(f"\n{made.total()} injections, {len(digests)} runs, digests {'equal' if well else 'NOT as they must be'}")
    return well


def _inject(driver: Driver, delay: float, began: float, made: Counter[str]) -> bool:
    """Wait, then make one injection that finds its victim; False where none was made."""
    try:
        driver.process.wait(delay)
    except subprocess.TimeoutExpired:
        for name in sorted(INJECTIONS, key=lambda name: (made[name], random.random())):
            if driver.run is not None and INJECTIONS[name](driver):
                made[name] += 1
                print(f"{time.monotonic() - began:6.0f} s    {name:32} after {delay:5.1f} s", flush=True)
                return True
    return False


def _ending(code: int, said: str) -> str:
    if code == 0:
        return "done"
    if code == -signal.SIGKILL:
        return "killed"
    if code < 0 and not said:
        return "by a signal, before it began"
    if code < 0 and re.search(r"^report \S+/index\.html$", said, re.MULTILINE):
        return "by a signal, after all was done"
    lines = [line for line in said.splitlines() if line.startswith("selfplay: ")]
    if code in ENDINGS and lines:
        return f"exit code {code}, with a sentence"
    return f"BAD: exit code {code}: {' '.join(said.split())[-300:]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long to disturb")
    parser.add_argument("--config", type=Path, default=SMALL, help="a config on the transformers engine")
    parser.add_argument("--seed", type=int, default=0, help="of the injections' order and times")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        well = disturb(arguments.config, Path(folder), arguments.minutes, arguments.seed)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
