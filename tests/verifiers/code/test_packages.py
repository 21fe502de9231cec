"""Packages that the settings name can be imported inside, at each level, and nothing else that is installed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selfplay.verifiers.code import CodeVerifier
from selfplay.verifiers.contract.spec import load
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked
from selfplay.verifiers.errors import BadSettings, BrokenVerifier
from selfplay.verifiers.sandbox.local_sandbox import LevelRefused, LocalSandbox

PROGRAM = """
import numpy as np
def total(n): return np.ones((n, n)).dot(np.ones(n)).sum()
def halves(n): return np.arange(n) * 0.5
def drawn(n): return np.random.default_rng(1).random(n).tolist()
def flip(a): a[:] = a[::-1].copy()
class Model:
    def __init__(self, w): self.w = np.array(w)
    def predict(self, x): return self.w @ np.asarray(x)
"""


@pytest.fixture(scope="module", params=["namespaces", "landlock"])
def verifier(request: pytest.FixtureRequest) -> Iterator[CodeVerifier]:
    try:
        sandbox = LocalSandbox(lowest=request.param, levels=[request.param], packages=["numpy"])
    except LevelRefused as error:
        pytest.skip(f"this machine has no {request.param}: {error}")
    made = CodeVerifier(CodeVerifier.Settings.model_validate({"packages": ["numpy"], "timeout": 5.0}), sandbox)
    yield made
    made.close()


def judge(verifier: CodeVerifier, program: str, *tests: str) -> Verdict:
    return verifier.verify(Asked(CodeVerifier.Reference.model_validate({"tests": list(tests)}), program))


@pytest.mark.parametrize(
    "test",
    [
        "assert total(3) == 9",
        "assert len(drawn(4)) == 4",
        "import numpy as np\nassert np.allclose(halves(3), [0, 0.5, 1])\nassert halves(3).shape == (3,)",
        "import numpy as np\na = np.array([1, 2])\nflip(a)\nassert a.tolist() == [2, 1]",
        "import numpy as np\nnp.testing.assert_allclose(Model([1.0, 2.0]).predict(np.array([3, 4])), 11.0)",
        "assert isinstance(total(1), float)",
    ],
)
def test_numpy_works_on_both_sides(verifier: CodeVerifier, test: str) -> None:
    verdict = judge(verifier, PROGRAM, test)
    assert verdict.outcome == "accepted", verdict


def test_an_array_is_no_list(verifier: CodeVerifier) -> None:
    # in one interpreter the truth of array([0.0, 0.5]) == [0.0, 0.5] is an error
    assert judge(verifier, PROGRAM, "assert halves(2) == [0.0, 0.5]").reason == "wrong_answer"
    wrong = PROGRAM.replace("0.5", "0.25")
    assert judge(verifier, wrong, "import numpy as np\nassert np.allclose(halves(2), [0, 0.5])").outcome == "rejected"


def test_a_patched_numpy_fools_nobody(verifier: CodeVerifier) -> None:
    program = "import numpy\nnumpy.allclose = numpy.array_equal = lambda *a, **k: True\ndef halves(n): return [7] * n"
    verdict = judge(verifier, program, "import numpy as np\nassert np.allclose(halves(2), [0, 0.5])")
    assert (verdict.outcome, verdict.reason) == ("rejected", "wrong_answer")
    assert judge(verifier, PROGRAM, "import numpy as np\nassert np.allclose(halves(2), [0, 0.5])").outcome == "accepted"


def test_other_installed_packages_stay_out(verifier: CodeVerifier) -> None:
    verdict = judge(verifier, "import pydantic\ndef f(): return 0", "assert f() == 0")
    assert "No module named 'pydantic'" in str(verdict.detail["error"])
    path = os.path.dirname(os.path.dirname(pytest.__file__))
    listing = f"import os\ndef f():\n    try: return os.listdir({path!r})\n    except OSError: return []"
    got = str(judge(verifier, listing, "assert f() is None").detail["got"])
    assert "pytest" not in got


def test_without_the_setting_numpy_is_not_there() -> None:
    made = CodeVerifier(CodeVerifier.Settings.model_validate({"sandbox": "process"}))
    verdict = judge(made, PROGRAM, "assert total(3) == 9")
    made.close()
    assert "No module named 'numpy'" in str(verdict.detail["error"])


def test_a_package_that_is_not_installed_is_refused_by_name() -> None:
    made = CodeVerifier(CodeVerifier.Settings.model_validate({"packages": ["no_such_package"]}))
    with pytest.raises(BrokenVerifier, match="`no_such_package` is not installed here; install it"):
        made.warm()


@pytest.mark.parametrize("packages", [["../etc"], ["a.b"], "numpy", [""]])
def test_a_setting_that_is_no_list_of_names_is_refused(packages: Any) -> None:
    with pytest.raises(BadSettings, match="packages"):
        load("code", {"packages": packages})


def test_a_package_in_tmp_is_not_hidden_by_the_scratch_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        package = Path(folder) / "comes_in_parts"
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "later.py").write_text("ANSWER = 42\n")
        monkeypatch.syspath_prepend(folder)
        try:
            sandbox = LocalSandbox(lowest="namespaces", levels=["namespaces"], packages=["comes_in_parts"])
        except LevelRefused as error:
            pytest.skip(f"this machine has no namespaces: {error}")
        made = CodeVerifier(CodeVerifier.Settings.model_validate({"packages": ["comes_in_parts"]}), sandbox)
        program = (
            "def f():\n    from comes_in_parts.later import ANSWER\n    open('note', 'w').close()\n    return ANSWER"
        )
        assert judge(made, program, "assert f() == 42").outcome == "accepted"
        made.close()
