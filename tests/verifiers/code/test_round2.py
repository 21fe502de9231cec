"""Tests that would silently not run, values that would be forged, and what an honest program may expect of the border.

Each row was judged otherwise once. The ones that no program could pass or fail by itself are undecided.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from selfplay.verifiers.code import CodeVerifier
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked


@pytest.fixture(scope="module")
def verifier() -> Iterator[CodeVerifier]:
    made = CodeVerifier(CodeVerifier.Settings.model_validate({"timeout": 2.0, "sandbox": "process"}))
    made.warm()
    yield made
    made.close()


def judge(verifier: CodeVerifier, program: str, **reference: Any) -> Verdict:
    return verifier.verify(Asked(CodeVerifier.Reference.model_validate(reference), program))


SAME = "def f(x): return x"
SQUARE = "def f(x): return x * x"
CASE = "import unittest\nclass T(unittest.TestCase):\n"
TRACED = "def f(x): return x * x\ndef traced(g): return g\n"

RUN: dict[str, Any] = {
    "called in a guard that is false": (
        "def test_a():\n    assert f(2) == 4\ndef test_b():\n    assert f(1) == 1\n"
        "if __name__ == '__main__':\n    test_a()"
    ),
    "called by a function that nobody calls": (
        "def test_a():\n    assert f(2) == 4\ndef main():\n    test_a()\nassert f(1) == 1"
    ),
    "behind a guard": "assert f(1) == 1\nif __name__ == '__main__':\n    assert f(2) == 4\n    print('ok')",
    "unittest.main behind a guard, and what ends the text": (
        CASE + "    def test_a(self):\n        self.assertEqual(f(2), 4)\n"
        "if __name__ == '__main__':\n    import sys, pytest\n"
        "    unittest.main()\n    sys.exit(pytest.main([__file__]))"
    ),
    "an error of the program told as another": (
        "try:\n    assert f(2) == 4 or 1 / 0\nexcept ZeroDivisionError:\n    assert False\nassert f(1) == 1"
    ),
    "a class of pytest": (
        "def test_a():\n    assert f(1) == 1\nclass TestMore:\n    def test_b(self):\n        assert f(2) == 4"
    ),
    "a class inside a class": (
        "class TestMore:\n    def test_b(self):\n        assert f(1) == 1\n"
        "    class TestInner:\n        def test_c(self):\n            assert f(2) == 4"
    ),
    "with set-up methods": (
        "class TestMore:\n    def setup_method(self):\n        self.given = 2\n"
        "    def test_b(self):\n        assert f(self.given) == 4"
    ),
    "a name without underscore": "def testA():\n    assert f(2) == 4\ndef test_b():\n    assert f(1) == 1",
    "runTest": CASE + "    def runTest(self):\n        self.assertEqual(f(2), 4)\nassert f(1) == 1",
    "functions of one name in two texts": [
        "def test_a():\n    assert f(2) == 4",
        "def test_a():\n    assert f(1) == 1",
    ],
    "classes of one name in two texts": [
        CASE + "    def test_a(self):\n        self.assertEqual(f(2), 4)",
        CASE + "    def test_a(self):\n        self.assertEqual(f(1), 1)",
    ],
    "functions of one name in one text": "def test_a():\n    assert f(2) == 4\ndef test_a():\n    assert f(1) == 1",
    "data of one name in two texts": [
        "cases = [(2, 4)]\ndef test_a():\n    for x, y in cases:\n        assert f(x) == y",
        "cases = [(1, 1)]\ndef test_b():\n    for x, y in cases:\n        assert f(x) == y",
    ],
    "a failure that the text swallows": (
        "def test_a():\n    assert f(2) == 4\ntry:\n    test_a()\n"
        "except AssertionError:\n    print('failed')\nassert f(1) == 1"
    ),
    "made without def": (
        "def made(x, y):\n    def inner():\n        assert f(x) == y\n"
        "    return inner\ntest_a = made(2, 4)\nassert f(1) == 1"
    ),
    "unittest.main in the text": CASE + "    def test_a(self):\n        self.assertEqual(f(2), 4)\nunittest.main()",
    "of an abstract class": (
        "import abc\nclass TestBase(abc.ABC):\n    @abc.abstractmethod\n    def given(self): ...\n"
        "    def test_a(self):\n        assert f(self.given()) == 4\n"
        "class TestTwo(TestBase):\n    def given(self):\n        return 2"
    ),
    "patched": (
        "from unittest.mock import patch\n@patch('builtins.print')\ndef test_a(shown):\n    print(1)\n"
        "    shown.assert_called_once()\n    assert f(2) == 4"
    ),
    "made in a loop": "for x, y in [(1, 1), (2, 4)]:\n    def test_a(x=x, y=y):\n        assert f(x) == y",
    "every row": (
        "import pytest\n@pytest.mark.parametrize('x, y', [(1, 1), pytest.param(2, 4, id='two')])\n"
        "def test_a(x, y):\n    assert f(x) == y"
    ),
    "every part": (
        CASE + "    def test_a(self):\n        for x in range(3):\n"
        "            with self.subTest(x=x):\n                self.assertEqual(f(x), x * x)"
    ),
    "beside a skipped one": (
        CASE + "    def test_a(self):\n        self.assertEqual(f(2), 4)\n"
        "    @unittest.skip('later')\n    def test_b(self):\n        self.fail()\n"
        "    def test_c(self):\n        self.skipTest('later')\n"
        "    @unittest.expectedFailure\n    def test_d(self):\n        self.assertEqual(f(2), 5)"
    ),
    "beside a skipped one of pytest": (
        "import pytest\ndef test_a():\n    assert f(2) == 4\n@pytest.mark.skip\ndef test_b():\n    assert False\n"
        "@pytest.mark.skip(reason='later')\nclass TestC:\n    def test_c(self):\n        assert False\n"
        "@pytest.mark.xfail\ndef test_d():\n    assert False\ndef test_e():\n    pytest.skip('later')"
    ),
    "a decorator of the program": "@traced\ndef test_a():\n    assert f(2) == 4\ndef test_b():\n    assert f(1) == 1",
    "a scope of its own": (
        "def test_a():\n    assert [f for f in range(2)] == [0, 1]\n    assert (lambda f: f)(1) == 1\n"
        "def test_b():\n    assert f(2) == 4"
    ),
}


@pytest.mark.parametrize("name", RUN)
def test_every_test_is_run(verifier: CodeVerifier, name: str) -> None:
    right = judge(verifier, TRACED, tests=RUN[name])
    wrong = judge(verifier, TRACED.replace("x * x", "x"), tests=RUN[name])
    assert (right.outcome, wrong.outcome) == ("accepted", "rejected"), (right, wrong)


NEVER: dict[str, str] = {
    "a coroutine": "async def test_a():\n    assert f(2) == 4\ndef test_b():\n    assert f(1) == 1",
    "a generator": "def test_a():\n    yield 1\n    assert f(2) == 4\ndef test_b():\n    assert f(1) == 1",
    "a coroutine of a TestCase": (
        CASE + "    async def test_a(self):\n        self.assertEqual(f(2), 4)\n"
        "    def test_b(self):\n        self.assertEqual(f(1), 1)"
    ),
    "in a branch not taken": "if f(1) == 2:\n    def test_a():\n        assert f(2) == 4\nassert f(1) == 1",
    "in a class with a constructor": (
        "class TestA:\n    def __init__(self):\n        pass\n"
        "    def test_a(self):\n        assert f(2) == 4\nassert f(1) == 1"
    ),
    "in a class that is none of pytest's": (
        "class More:\n    def test_a(self):\n        assert f(2) == 4\nassert f(1) == 1"
    ),
    "swallowed by a decorator": "@quiet\ndef test_a():\n    assert f(2) == 4\ndef test_b():\n    assert f(1) == 1",
    "wrapped in a class": (
        CASE
        + "    @quiet\n    def test_a(self):\n        assert f(2) == 4\n    def test_b(self):\n        assert f(1) == 1"
    ),
    "skipped because of the program": (
        CASE + "    def test_a(self):\n        if f(2) != 4:\n            self.skipTest('x')\n"
        "    def test_b(self):\n        self.assertEqual(f(1), 1)"
    ),
    "skipped by pytest because of the program": (
        "import pytest\ndef test_a():\n    if f(2) != 4:\n        pytest.skip('x')\ndef test_b():\n    assert f(1) == 1"
    ),
    "no row": (
        "import pytest\n@pytest.mark.parametrize('x', [])\ndef test_a(x):\n    assert f(x) == 4\n"
        "def test_b():\n    assert f(1) == 1"
    ),
    "a subclass of the program's class": "class Mine(Theirs):\n    pass\nassert Mine().f(1) == 1",
    "skipped for a text": (
        "import pytest\n@pytest.mark.skipif('1 == 2')\ndef test_a():\n    assert f(2) == 4\n"
        "def test_b():\n    assert f(1) == 1"
    ),
    "a failure of several that the text swallows": (
        "def test_one(x):\n    assert f(x) == x * x\nfor x in (1, 2):\n    try:\n        test_one(x)\n"
        "    except AssertionError:\n        print('failed')"
    ),
    "a name that nobody has": "def test_a():\n    assert f(1) == 1\n    assert __path__",
}
QUIET = (
    "def f(x): return x\nclass Theirs:\n    def f(self, x): return x\n"
    "def quiet(g):\n    def inner(*given):\n        try: g(*given)\n"
    "        except BaseException: pass\n    return inner\n"
)


@pytest.mark.parametrize("name", NEVER)
def test_one_that_cannot_run_is_nobodys_pass(verifier: CodeVerifier, name: str) -> None:
    verdict = judge(verifier, QUIET, tests=NEVER[name])
    assert (verdict.outcome, verdict.reason) == ("undecided", "fault"), verdict


def test_a_test_called_by_the_text_runs_once(verifier: CodeVerifier) -> None:
    tests = "stack = []\ndef test_a():\n    stack.append(f(1))\n    assert stack == [1]\ntest_a()"
    assert judge(verifier, SAME, tests=tests).outcome == "accepted"


def test_an_exception_of_the_program_told_as_another_is_the_programs(verifier: CodeVerifier) -> None:
    tests = "try:\n    f(1)\nexcept Exception:\n    raise ImportError('x')"
    assert judge(verifier, "def f(x): return 1 / 0", tests=tests).outcome == "rejected"


def test_a_name_that_an_exception_of_the_program_left_unbound_is_the_programs(verifier: CodeVerifier) -> None:
    tests = "try:\n    got = f(1)\nexcept Exception:\n    pass\nassert got == 1"
    assert judge(verifier, "def f(x): return 1 / 0", tests=tests).outcome == "rejected"


def test_arrays_are_approximately_equal() -> None:
    made = CodeVerifier(CodeVerifier.Settings.model_validate({"packages": ["numpy"], "sandbox": "process"}))
    tests = "import numpy as np, pytest\nfor x in (1.0, 2.0):\n    assert f(x) == pytest.approx(np.array([x, x]))"
    program = "import numpy as np\ndef f(x): return np.array([x, x + %s])"
    outcomes = [judge(made, program % off, tests=tests).outcome for off in ("1e-9", "1e-3")]
    made.close()
    assert outcomes == ["accepted", "rejected"]


FORGED = """
import gc
def f(x):
    server = next(o for o in gc.get_objects() if type(o).__name__ == 'Server')
    forged = ['object', 'Near', ['dict', ['v', 0], ['tolerance', ['float', 'inf']]]]
    server._encoder.encode = lambda value: forged
    return 1
"""


def test_no_object_of_the_tests_own_classes_is_made_for_the_program(verifier: CodeVerifier) -> None:
    tests = (
        "class Near:\n    def __init__(self, v):\n        self.v, self.tolerance = v, 1e-6\n"
        "    def __eq__(self, other):\n        return abs(self.v - other.v) <= self.tolerance\n"
        "assert f(2) == Near(1.41421356)"
    )
    assert judge(verifier, FORGED, tests=tests).outcome == "rejected"


@pytest.mark.parametrize("method", ["__getattr__", "__getitem__", "__len__", "__contains__"])
def test_stop_iteration_ends_no_loop_of_the_tests(verifier: CodeVerifier, method: str) -> None:
    use = {"__getattr__": "s.get == c", "__getitem__": "s[c] == c", "__len__": "len(s) == c", "__contains__": "c in s"}
    tests = f"s = Solver()\nassert all(map(lambda c: {use[method]}, [1, 2]))"
    program = f"class Solver:\n    def {method}(self, *given):\n        raise StopIteration"
    assert judge(verifier, program, tests=tests).outcome == "rejected"


HONEST: dict[str, tuple[str, str]] = {
    "StopIteration, expected": (
        "import pytest\nwith pytest.raises(StopIteration):\n    f(1)",
        "def f(x): raise StopIteration",
    ),
    "StopIteration, expected by unittest": (
        CASE + "    def test_a(self):\n        with self.assertRaises(StopIteration):\n            f(1)",
        "def f(x): raise StopIteration",
    ),
    "arguments of exceptions": (
        "try:\n    f(1)\nexcept ValueError as error:\n    assert error.args == ('bad', 3)\nelse:\n    assert False",
        "def f(x): raise ValueError('bad', 3)",
    ),
    "the key of a KeyError": (
        "try:\n    f('a')\nexcept KeyError as error:\n    assert error.args[0] == 'a' and str(error) == repr('a')\n"
        "else:\n    assert False",
        "def f(x): return {}[x]",
    ),
    "errno": (
        "import errno\ntry:\n    f(1)\nexcept OSError as error:\n    assert error.errno == errno.ENOENT\n"
        "else:\n    assert False",
        "def f(x): raise OSError(2, 'no such thing')",
    ),
    "UnicodeError": (
        "try:\n    f(b'a\\xff')\nexcept UnicodeDecodeError as error:\n"
        "    assert error.start == 1\nelse:\n    assert False",
        "def f(x): return x.decode('ascii')",
    ),
    "a text of its own": (
        "try:\n    f(1)\nexcept Exception as error:\n    assert str(error) == 'short by 3' and error.args == (3,)\n"
        "else:\n    assert False",
        "class Short(Exception):\n    def __str__(self): return f'short by {self.args[0]}'\ndef f(x): raise Short(3)",
    ),
    "an exception through a callback": (
        "import pytest\nclass Done(Exception): pass\ndef stop(x): raise Done('x')\n"
        "with pytest.raises(Done, match='x'):\n    each([1], stop)",
        "def each(xs, g):\n    for x in xs: g(x)",
    ),
    "a class of exceptions as an argument": (
        "count = [0]\nclass Base(Exception): pass\nclass Again(Base): pass\n"
        "def g():\n    count[0] += 1\n    if count[0] < 3: raise Again()\n    return 5\nassert retry(g, 3, Base) == 5",
        "def retry(g, n, kind):\n    for _ in range(n):\n        try: return g()\n        except kind: pass",
    ),
    "the program's class of exceptions as an argument": (
        "def g(): raise Short('x')\nassert caught(g, Short)",
        "class Short(Exception): pass\ndef caught(g, kind):\n    try: g()\n    except kind: return True",
    ),
    "slices": (
        "assert Row([1, 2, 3])[1:3] == [2, 3]\nassert cut([1, 2, 3], slice(0, 2)) == [1, 2]",
        "class Row:\n    def __init__(self, xs): self.xs = xs\n    def __getitem__(self, k): return self.xs[k]\n"
        "def cut(xs, s): return xs[s]",
    ),
    "a deque": (
        "from collections import deque\nd = deque([1, 2, 3], 3)\n"
        "assert f(d) == deque([3, 2])\nassert d == deque([2, 3])",
        "from collections import deque\ndef f(d):\n    d.popleft()\n    return deque(reversed(d))",
    ),
    "a Counter": (
        "from collections import Counter\nassert f(Counter('aab')) == 'a'\n"
        "assert g('ab').most_common() == [('a', 1), ('b', 1)]",
        "from collections import Counter\ndef f(c): return c.most_common(1)[0][0]\ndef g(t): return Counter(t)",
    ),
    "a defaultdict": (
        "from collections import defaultdict\nd = defaultdict(list)\n"
        "d['a'].append(1)\nassert f(d) == 2\nassert g()['x'] == 0",
        "from collections import defaultdict\ndef f(d): return len(d['b']) + len(d)\ndef g(): return defaultdict(int)",
    ),
    "views of a dict": (
        "assert f({'a': 1}) == {'a'}\nassert g({'a': 1}.keys()) == ['a']\nassert list(h({'a': 1})) == [('a', 1)]",
        "def f(d): return d.keys()\ndef g(k): return sorted(k)\ndef h(d): return d.items()",
    ),
    "times": (
        "import datetime as d\nassert f(d.datetime(2020, 1, 1, tzinfo=d.timezone.utc)) == d.time(3, 4)",
        "import datetime as d\ndef f(x): return d.time(3, 4) if x.tzinfo else None",
    ),
    "exit": (
        "import pytest\nwith pytest.raises(SystemExit):\n    f(3)",
        "def f(x): exit(x)",
    ),
    "fences in a docstring": (
        "assert f(1) == 1",
        '```python\ndef f(x):\n    """Doc.\n\n    ```\n    f(1)\n    ```\n    """\n    return x\n```',
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_program_is_accepted(verifier: CodeVerifier, name: str) -> None:
    tests, program = HONEST[name]
    verdict = judge(verifier, program, tests=tests)
    assert verdict.outcome == "accepted", verdict


@pytest.mark.parametrize("ending", ["exit()", "quit(0)", "exit(3)"])
def test_a_program_ends_by_exit_and_quit(verifier: CodeVerifier, ending: str) -> None:
    verdict = judge(verifier, f"print(1)\n{ending}\nprint(2)", cases=[{"stdin": "", "stdout": "1"}])
    assert verdict.outcome == ("rejected" if "3" in ending else "accepted"), verdict


def test_a_stub_of_the_prefix_does_not_stand_for_the_program(verifier: CodeVerifier) -> None:
    reference = {
        "tests": ["for i in range(3):\n    assert double(i) == 2 * i"],
        "prefix": 'def double(x):\n    """2x."""\n',
    }
    assert judge(verifier, "    return 2 * x", **reference).outcome == "accepted"
    assert judge(verifier, "    return x", **reference).outcome == "rejected"


@pytest.mark.parametrize("raised", ["ExceptionGroup('x', [ValueError(1)])", "UnicodeEncodeError('a', 'b', 0, 1, 'c')"])
def test_an_exception_that_is_hard_to_rebuild_is_judged(verifier: CodeVerifier, raised: str) -> None:
    tests = "for x in range(2):\n    assert f(x) == x"
    assert judge(verifier, f"def f(x): raise {raised}", tests=tests).reason == "exception"
