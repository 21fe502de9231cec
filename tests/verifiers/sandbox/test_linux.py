from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from selfplay.verifiers.sandbox.kernel import linux
from selfplay.verifiers.sandbox.kernel.linux import call, walk

pytestmark = pytest.mark.skipif(not linux.available, reason="the calls are those of Linux")


def test_a_step_that_fails_says_which_and_why(tmp_path: Path) -> None:
    missing = os.fsencode(tmp_path / "missing")
    for step, number in ((call("chdir", missing), errno.ENOENT), (call("close", 10**6), errno.EBADF)):
        with pytest.raises(OSError, match=f"{step[2]}: {os.strerror(number)}") as raised:
            walk([step])
        assert raised.value.errno == number
    with pytest.raises(OSError, match="step of Python") as raised:
        walk([(_fails, (), "")])


def _fails() -> None:
    raise OSError(errno.EPERM, "step of Python")
