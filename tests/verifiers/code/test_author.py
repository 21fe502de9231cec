"""What the author of tests may expect of Python, pytest and unittest, where tests and program share no interpreter.

Each row: the tests, a program that passes them, and one that fails them, each judged as plain Python would.
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


RAISES = "def f(x):\n    if x < 0: raise ValueError('negative: ' + str(x))\n    return x"
SILENT = "def f(x): return x"
ACCOUNT = """
class Error(Exception): pass
class Short(Error):
    def __init__(self, missing): super().__init__(f'short by {missing}'); self.missing = missing
class Account:
    def __init__(self): self.balance = 0
    def take(self, n): raise Short(n - self.balance)
"""
QUEUE = """
class Queue:
    def __init__(self, items=()): self.items = list(items)
    def __len__(self): return len(self.items)
    def __getitem__(self, k): return self.items[k]
    def __setitem__(self, k, v): self.items[k] = v
    def __delitem__(self, k): del self.items[k]
    def __iter__(self): return iter(self.items)
    def __contains__(self, x): return x in self.items
    def __eq__(self, o): return self.items == o.items
    def __hash__(self): return hash(tuple(self.items))
    def __repr__(self): return f'Queue({self.items})'
    def __enter__(self): self.items.append('in'); return self
    def __exit__(self, *e): self.items.append('out'); return e[0] is not None
"""

ROWS: dict[str, tuple[str, str, str]] = {
    "pytest.raises": ("import pytest\nwith pytest.raises(ValueError):\n    f(-1)", RAISES, SILENT),
    "pytest.raises of another exception": (
        "import pytest\nwith pytest.raises((KeyError, ValueError)):\n    f(-1)",
        RAISES,
        RAISES.replace("ValueError", "TypeError"),
    ),
    "pytest.raises with match": (
        "import pytest\nwith pytest.raises(ValueError, match='negative: -1') as info:\n    f(-1)\n"
        "assert info.type is ValueError and '-1' in str(info.value)",
        RAISES,
        RAISES.replace("negative: ", "less: "),
    ),
    "pytest.raises as a call": (
        "from pytest import raises\nraises(ValueError, f, -1)\nassert f(1) == 1",
        RAISES,
        SILENT,
    ),
    "pytest.approx": (
        "import pytest\nassert f(3) == pytest.approx([0.1, 0.2, 0.3])",
        "def f(n): return [0.1 * k for k in range(1, n + 1)]",
        "def f(n): return [0.1001 * k for k in range(1, n + 1)]",
    ),
    "pytest.approx and things that claim to be near": (
        "from pytest import approx\nassert f(3) == approx(1.5, abs=1e-3)",
        "def f(x): return 1.5005",
        "class Near(float):\n    def __sub__(self, o): return 0.0\n    __rsub__ = __sub__\n"
        "    __eq__ = lambda s, o: True\ndef f(x): return Near(7.0)",
    ),
    "pytest functions": (
        "import pytest\ndef test_small():\n    assert f(1) == 1\n"
        "@pytest.mark.parametrize('x, y', [(2, 4), (3, 9)])\ndef test_more(x, y):\n    assert f(x) == y",
        "def f(x): return x * x",
        "def f(x): return x * x if x < 3 else 0",
    ),
    "unittest class": (
        "import unittest\nclass TestF(unittest.TestCase):\n    def setUp(self):\n        self.given = [2, 1]\n"
        "    def test_value(self):\n        self.assertEqual(f(self.given), [1, 2])\n"
        "        self.assertAlmostEqual(f([0.30000000000000004])[0], 0.3)\n        self.assertIn(2, f(self.given))\n"
        "    def test_error(self):\n        with self.assertRaises(TypeError):\n            f(None)\n"
        "if __name__ == '__main__':\n    unittest.main()",
        "def f(x): return sorted(x)",
        "def f(x): return sorted(x or [])",
    ),
    "unittest outside of a class": (
        "import unittest\nt = unittest.TestCase()\nt.assertTrue(f(1))\nt.assertCountEqual(f(1), ['a', 'b'])",
        "def f(x): return ['b', 'a']",
        "def f(x): return ['b', 'b']",
    ),
    "ancestors and fields of exceptions": (
        "import pytest\nwith pytest.raises(Error) as info:\n    Account().take(5)\nassert info.value.missing == 5",
        ACCOUNT,
        ACCOUNT.replace("Short(Error)", "Short(Exception)"),
    ),
    "an exception that is only an alias": (
        "try:\n    f(-1)\n    assert False\nexcept Bad:\n    pass",
        "class Bad(Exception): pass\ndef f(x): raise Bad",
        "Bad = AssertionError\ndef f(x): return x",
    ),
    "isclose": (
        "from math import isclose\nassert isclose(f(2), 2 ** 0.5)",
        "def f(x): return x ** 0.5",
        "def f(x): return 1.4142",
    ),
    "changed and returned": (
        "a = [1, 2, 3]\nlast = f(a)\nassert last == 3\nassert a == [1, 2]",
        "def f(x): return x.pop()",
        "def f(x): return x[-1]",
    ),
    "length after a change": (
        "a = [1, 2, 3]\nbefore = len(a)\nx = f(a)\nassert len(a) == before - 1",
        "def f(x): return x.pop()",
        "def f(x): return x[-1]",
    ),
    "an argument that must stay": (
        "a = [3, 1]\nb = f(a)\nassert b == [1, 3]\nassert a == [3, 1]",
        "def f(x): return sorted(x)",
        "def f(x):\n    x.sort()\n    return x",
    ),
    "an expectation made of a changed argument": (
        "a = [3, 1, 2]\nassert f(a) == sorted(a)",
        "def f(x):\n    x.sort()\n    return x",
        "def f(x):\n    x.clear()\n    return x",
    ),
    "an argument that an object keeps": (
        "a = [1]\ns = Stack(a)\ns.push(2)\nassert a == [1]\nassert s.items == [1, 2]",
        "class Stack:\n    def __init__(self, x): self.items = list(x)\n    def push(self, x): self.items.append(x)",
        "class Stack:\n    def __init__(self, x): self.items = x\n    def push(self, x): self.items.append(x)",
    ),
    "the same list comes back": (
        "a = [2, 1]\nassert f(a) is a",
        "def f(x):\n    x.sort()\n    return x",
        "def f(x): return sorted(x)",
    ),
    "a memo that the tests own": (
        "memo = {}\nassert f(3, memo) == 9\nassert memo == {3: 9}\nmemo[4] = 1\nassert f(4, memo) == 1",
        "def f(n, memo):\n    if n not in memo: memo[n] = n * n\n    return memo[n]",
        "def f(n, memo): return n * n",
    ),
    "infinite generator": (
        "g = f()\nassert next(g) == 0\nassert [next(g) for _ in range(3)] == [1, 4, 9]",
        "def f():\n    n = 0\n    while True:\n        yield n * n\n        n += 1",
        "def f():\n    yield from [0, 1, 4, 8]",
    ),
    "a generator that ends": (
        "assert list(f(3)) == [0, 1, 2]\nassert sum(f(4)) == 6\nassert [*map(str, f(2))] == ['0', '1']",
        "def f(n): yield from range(n)",
        "def f(n): yield from range(1, n)",
    ),
    "an iterator as argument": (
        "import itertools\nassert f(itertools.count(5)) == [5, 6]\nassert f(x for x in 'abc') == ['a', 'b']",
        "import itertools\ndef f(it): return list(itertools.islice(it, 2))",
        "def f(it): return [next(it)]",
    ),
    "closures": (
        "counter = f(10)\nassert [counter(), counter()] == [11, 12]\nassert f(1)() == 2",
        "def f(n):\n    def count():\n        nonlocal n\n        n += 1\n        return n\n    return count",
        "def f(n): return lambda: n + 1",
    ),
    "decorators": (
        "calls = []\n@f\ndef g(x):\n    calls.append(x)\n    return x * 2\nassert (g(2), g(2), calls) == (4, 4, [2])",
        "def f(g):\n    seen = {}\n    def inner(x):\n        if x not in seen: seen[x] = g(x)\n"
        "        return seen[x]\n    return inner",
        "def f(g): return g",
    ),
    "an exception of the tests' function": (
        "def bad(): raise KeyError('k')\nassert f(bad) == 'caught'",
        "def f(g):\n    try: g()\n    except KeyError: return 'caught'",
        "def f(g):\n    try: g()\n    except ValueError: return 'caught'",
    ),
    "exception class as argument": (
        "assert f(ValueError) is True",
        "def f(k): return issubclass(k, Exception)",
        "def f(k): return k.__name__",
    ),
    "object protocol": (
        "q = Queue([1, 2])\nassert len(q) == 2 and q[0] == 1 and 2 in q and list(q) == [1, 2]\nq[0] = 5\ndel q[1]\n"
        "assert repr(q) == 'Queue([5])'\nassert q == Queue([5]) and q != Queue([6])\nassert len({q, Queue([5])}) == 1\n"
        "assert isinstance(q, Queue) and not isinstance([], Queue)",
        QUEUE,
        QUEUE.replace("self.items[k] = v", "pass"),
    ),
    "context manager": (
        "q = Queue()\nwith q as inner:\n    assert inner is not None\n    raise KeyError\n"
        "assert q.items == ['in', 'out']",
        QUEUE,
        QUEUE.replace("return e[0] is not None", "return False"),
    ),
    "equality that the program does not define": (
        "assert P(1) == P(1)",
        "import dataclasses\n@dataclasses.dataclass\nclass P:\n    x: int",
        "class P:\n    def __init__(self, x): self.x = x",
    ),
    "equality that is always true": (
        "assert f(1) == P(2)",
        "import dataclasses\n@dataclasses.dataclass\nclass P:\n    x: int\ndef f(x): return P(x + 1)",
        "class P:\n    def __init__(self, x): self.x = x\n    __eq__ = lambda s, o: True\ndef f(x): return P(x)",
    ),
    "a class that is a kind of list": (
        "s = Stack([1])\ns.push(2)\nassert len(s) == 2 and s[1] == 2\nassert s == Stack([1, 2])",
        "class Stack(list):\n    def push(self, x): self.append(x)",
        "class Stack(list):\n    def push(self, x): self.append(x)\n    def __init__(self, x): super().__init__([1])\n"
        "    __eq__ = lambda s, o: True",
    ),
    "private slots": (
        "assert P(1) == P(1) and P(1) != P(2)",
        "class P:\n    __slots__ = ('__x',)\n    def __init__(self, x): self.__x = x\n"
        "    def __eq__(self, o): return self.__x == o.__x",
        "class P:\n    __slots__ = ('__x',)\n    def __init__(self, x): self.__x = x\n    __eq__ = lambda s, o: True",
    ),
    "namedtuple": (
        "p = f(1, 2)\nassert p.x == 1 and p == (1, 2) and p._asdict() == {'x': 1, 'y': 2}",
        "import collections\nP = collections.namedtuple('P', 'x y')\ndef f(x, y): return P(x, y)",
        "import collections\nP = collections.namedtuple('P', 'y x')\ndef f(x, y): return P(x, y)",
    ),
    "enum": (
        "assert f('#f00') is Color.RED and f('#0f0') != Color.RED",
        "import enum\nclass Color(enum.Enum):\n    RED = '#f00'\n    GREEN = '#0f0'\nf = Color",
        "import enum\nclass Color(enum.Enum):\n    RED = '#f00'\n    GREEN = '#0f0'\ndef f(x): return Color.GREEN",
    ),
    "two functions of the program": (
        "for x in ('', 'abc'):\n    assert decode(encode(x)) == x\n    assert encode(x) == encode2(x)",
        "def encode(s): return s[::-1]\nencode2 = decode = encode",
        "def encode(s): return s\ndef decode(s): return s[:2]\nencode2 = encode",
    ),
    "chained comparison": ("assert 0 < f(1) <= 3 < f(9)", "def f(x): return x + 1", "def f(x): return x + 3"),
    "wrapped results": (
        "assert sorted(f(3)) == [0, 1, 2]\nassert set(f(3)) == {0, 1, 2}\nassert len(f(3)) == 3\n"
        "assert f(3)[0] in (0, 1)",
        "def f(n): return list(range(n))",
        "def f(n): return list(range(n)) + [n - 1]",
    ),
    "isinstance": (
        "assert isinstance(f(1), list) and type(f(1)) is list\nassert not isinstance(f(1), tuple)",
        "def f(x): return [x]",
        "class L:\n    __class__ = list\ndef f(x): return L()",
    ),
    "keyword and starred arguments": (
        "args, options = (1, 2), {'sep': '-'}\nassert f(*args, **options) == '1-2'\nassert f(1, 2, sep='') == '12'",
        "def f(*a, sep): return sep.join(map(str, a))",
        "def f(*a, sep='-'): return '-'.join(map(str, a))",
    ),
    "random tests": (
        "import random\nfor _ in range(30):\n    xs = [random.randint(0, 9) for _ in range(random.randint(0, 8))]\n"
        "    assert f(xs) == sorted(xs)",
        "def f(xs): return sorted(xs)",
        "def f(xs): return sorted(set(xs))",
    ),
    "recursion": (
        "def depth(t): return 0 if not t else 1 + max(map(depth, t))\nassert depth(f(30)) == 30",
        "def f(n): return [f(n - 1)] if n > 1 else [[]]\n",
        "def f(n): return [[]]",
    ),
    "imports and constants": (
        "import math as m, os.path\nfrom collections import Counter\nLIMIT = 3\n"
        "assert Counter(f('aab')) == {'a': 2, 'b': 1}\nassert m.floor(LIMIT) == 3",
        "def f(x): return x",
        "def f(x): return set(x)",
    ),
    "everything of a module": (
        "from math import *\nassert isclose(f(2), sqrt(2))",
        "def f(x): return x ** 0.5",
        "def f(x): return 1.4142",
    ),
    "a value of the program": (
        "assert SIZE == 3 and NAMES == ['a']",
        "SIZE, NAMES = 3, ['a']",
        "SIZE, NAMES = 4, ['a']",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_right_program_passes_and_the_wrong_one_does_not(verifier: CodeVerifier, name: str) -> None:
    tests, right, wrong = ROWS[name]
    verdict = judge(verifier, right, tests=tests)
    assert verdict.outcome == "accepted", verdict
    verdict = judge(verifier, wrong, tests=tests)
    assert verdict.outcome == "rejected", verdict


VALUES = [
    ("1", "1.0", True),
    ("True", "1", True),
    ("False", "0.0", True),
    ("float('nan')", "float('nan')", False),
    ("-0.0", "0.0", True),
    ("'1'", "1", False),
    ("(1, 2)", "[1, 2]", False),
    ("{1, 2}", "{2, 1}", True),
    ("frozenset({1})", "{1}", True),
    ("{'b': 1, 'a': 2}", "{'a': 2, 'b': 1}", True),
    ("[[1, (2, {'k': {3}})]]", "[[1, (2, {'k': {3}})]]", True),
    ("range(3)", "[0, 1, 2]", False),
    ("range(3)", "range(0, 3)", True),
    ("b'a'", "'a'", False),
    ("fractions.Fraction(1, 2)", "0.5", True),
    ("decimal.Decimal('0.1')", "0.1", False),
    ("decimal.Decimal('0.10')", "decimal.Decimal('0.1')", True),
    ("datetime.date(2020, 1, 2)", "datetime.date(2020, 1, 2)", True),
    ("datetime.timedelta(days=1)", "datetime.timedelta(hours=24)", True),
    ("collections.Counter('aa')", "{'a': 2}", True),
    ("collections.deque([1])", "[1]", False),
    ("(x for x in [1])", "[1]", False),
    ("10**30", "10**30", True),
    ("1e16", "10**16 + 1", False),
    ("None", "False", False),
    ("''", "None", False),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected", "same"), VALUES)
def test_values_compare_as_in_python(verifier: CodeVerifier, value: str, expected: str, same: bool) -> None:
    names = "import collections, datetime, decimal, fractions\n"
    program = f"{names}def f(): return {value}"
    namespace: dict[str, Any] = {}
    exec(names, namespace)
    assert (eval(value, namespace) == eval(expected, namespace)) is same
    for test in (f"assert f() == {expected}", f"for _ in range(1):\n    assert f() == {expected}"):
        verdict = judge(verifier, program, tests=[test], setup=names)
        assert (verdict.outcome == "accepted") is same, (test, verdict)


def test_nan_is_seen_by_tests_that_look_for_it(verifier: CodeVerifier) -> None:
    tests = "import math\nassert math.isnan(f())\nassert f() != f()\nassert math.copysign(1, g()) == -1"
    assert judge(verifier, "def f(): return float('nan')\ndef g(): return -0.0", tests=tests).outcome == "accepted"
    assert judge(verifier, "def f(): return 0.0\ndef g(): return -0.0", tests=tests).outcome == "rejected"


def test_a_type_for_a_type(verifier: CodeVerifier) -> None:
    tests = ["assert f(1) is True", "assert f([1]) == [True]"]
    assert judge(verifier, "def f(x): return x == 1 or [1]", tests=tests).outcome == "accepted"
    assert judge(verifier, "def f(x): return 1 if x == 1 else [1]", tests=tests).reason == "wrong_answer"


def test_a_rejection_of_tests_in_their_own_process_shows_both_sides(verifier: CodeVerifier) -> None:
    tests = "def check(candidate):\n    for n in range(5):\n        assert candidate(n) == n * n, 'a square'"
    detail = judge(verifier, "def f(n): return n + n", tests=tests, entry_point="f").detail
    assert detail["test"] == "assert candidate(n) == n * n, 'a square'"
    assert (detail["got"], detail["expected"]) == ("2", "1")
    detail = judge(verifier, "def f(n):\n    return 1 / n", tests=tests, entry_point="f").detail
    assert (detail["error"], detail["line"]) == ("ZeroDivisionError: division by zero", 2)


@pytest.mark.parametrize(
    ("tests", "program", "outcome", "part"),
    [
        ("for n in (1, 2):\n    assert f(n) == n", "def g(n): return n", "rejected", "no `f`"),
        ("a = f(1)\nimport no_such_package\nassert a == 1", "def f(n): return n", "undecided", "no_such_package"),
        ("for n in (1, 2):\n    assert f(n) == n", "def f(n): import no_such_package", "rejected", "no_such_package"),
        ("def test_f(client):\n    assert f(1) == 1", "def f(n): return n", "undecided", "client"),
        ("import pytest\n@pytest.fixture\ndef x(): pass\nf(x)", "def f(n): return n", "undecided", "fixture"),
        ("assert True", "def f(n): return n", "undecided", "never call"),
    ],
)
def test_broken_tests_are_told_apart_from_broken_programs(
    verifier: CodeVerifier, tests: str, program: str, outcome: str, part: str
) -> None:
    verdict = judge(verifier, program, tests=tests)
    assert verdict.outcome == outcome, verdict
    assert part in str(verdict.detail)


def test_pytest_is_not_there_for_the_program(verifier: CodeVerifier) -> None:
    tests = "import pytest\nassert f(1) == pytest.approx(1.0)"
    program = "def f(x):\n    import pytest\n    pytest.approx.__eq__ = lambda *a: True\n    return 5"
    verdict = judge(verifier, program, tests=tests)
    assert verdict.outcome == "rejected"
    assert "No module named 'pytest'" in str(verdict.detail["error"])


def test_a_generator_without_end_spends_the_programs_own_time(verifier: CodeVerifier) -> None:
    program = "def f():\n    while True: yield 1"
    verdict = judge(verifier, program, tests="assert list(f()) == [1, 1]")
    assert (verdict.outcome, verdict.reason) == ("rejected", "time_limit")
    assert judge(verifier, program, tests="assert next(f()) == 1").outcome == "accepted"


def test_many_arguments_cost_no_more_than_their_number(verifier: CodeVerifier) -> None:
    tests = "cases = [([n, n + 1], n) for n in range(1000)]\nfor given, want in cases:\n    assert f(given) == want"
    assert judge(verifier, "def f(x): return x[0]", tests=tests).outcome == "accepted"
    assert judge(verifier, "def f(x): return min(x[0], 998)", tests=tests).outcome == "rejected"


FORGE = """
import json, os, struct
def say(message):
    body = json.dumps(message).encode()
    os.write(3, struct.pack(">I", len(body)) + body)
say({"loaded": True})
"""


@pytest.mark.parametrize(
    "messages",
    [
        [{"value": 5}],
        [{"value": ["dict", ["f", 0], ["sorted", 1]], "exceptions": {"E": 3}}],
        [{"value": ["dict", ["f", ["ref", 0, "function"]]]}, {"value": ["list"], "changed": 5}],
        [{"value": ["dict", ["f", ["ref", 0, "function"]]]}, {"value": ["lent", 99]}],
        [{"value": ["dict", ["f", ["ref", 0, "function"]]]}, {"value": None, "changed": [[0, ["list", 1, 2]]]}],
        [{"value": ["dict", ["f", ["ref", 0, "function"]]]}, {"error": {"type": "StopIteration"}}],
        [{"value": ["dict", ["f", ["ref", 0, "function"]]]}, {"callback": 0, "args": [], "kwargs": {}}],
        [{"value": ["dict", ["f", ["ref", 0, "function"]]]}, {"value": ["named", "P", ["class"], ["tuple", 1]]}],
    ],
)
def test_forged_answers_are_the_programs_own_failure(verifier: CodeVerifier, messages: list[Any]) -> None:
    program = FORGE + "".join(f"say({message!r})\n" for message in messages) + "def f(x): return 0"
    verdict = judge(verifier, program, tests="a = [2, 1]\nassert f(a) == [1, 2]\nassert sorted(a) == [1, 2]")
    assert verdict.outcome == "rejected", verdict
