"""The supervisor of an adapter stops where too much fails, and each process has its own."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import pytest

from selfplay.verifiers.adapters.lazy_supervisor import LazySupervisor
from selfplay.verifiers.adapters.trl import reward_function
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Row
from selfplay.verifiers.errors import TooManyFaults

TO_M = {"upto": "M"}


def test_a_judge_that_fails_too_often_stops_the_caller(first_letter: str) -> None:
    judge = LazySupervisor(VerifierSpec(verifier=first_letter))
    good, bad = Row("1", TO_M, "Ann"), Row("2", {"lower": 1}, "Ann")
    assert [found.verdict.reason for found in judge.judge([good, bad])] == ["accepted", "fault"]
    with pytest.raises(TooManyFaults, match=r"2 of 3 completions could not be judged .* `upto`: Field required"):
        judge.judge([bad])
    judge.close()


def test_a_copy_in_another_process_has_workers_of_its_own(first_letter: str) -> None:
    judge = reward_function(first_letter)
    program = (
        "import pickle, sys; judge = pickle.load(sys.stdin.buffer)\n"
        "print(judge(['?'] * 2, ['Ann', 'Zoe'], reference=[{'upto': 'M'}] * 2))"
    )
    # no close(): the workers must end with the process
    ran = subprocess.run([sys.executable, "-c", program], input=pickle.dumps(judge), capture_output=True, timeout=120)
    assert ran.stdout.decode().strip() == "[1.0, 0.0]", ran.stderr.decode()
    child = os.fork()
    if child == 0:
        fine = judge(["?"], ["Ann"], reference=[TO_M]) == [1.0]
        judge.close()
        os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert judge(["?"], ["Zoe"], reference=[TO_M]) == [0.0]
    judge.close()
