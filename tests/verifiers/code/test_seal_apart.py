"""Tests that run in a process of their own (`seal: apart`) are judged as plain Python would judge them, or are
`open`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selfplay.verifiers.code import CodeVerifier
from tests.verifiers.code.conftest import judge, rows


@pytest.fixture(scope="module")
def verifier() -> Iterator[CodeVerifier]:
    made = CodeVerifier(CodeVerifier.Settings.model_validate({"timeout": 3.0, "sandbox": "process"}))
    made.warm()
    yield made
    made.close()


ROWS = rows(Path(__file__).parent / "seal_apart.md")


@pytest.mark.parametrize("name", ROWS)
def test_the_right_program_passes_and_the_wrong_one_does_not(verifier: CodeVerifier, name: str) -> None:
    tests, right, wrong = ROWS[name]
    verdict = judge(verifier, right, tests=tests)
    assert verdict.outcome == "accepted", verdict
    if wrong is not None:
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
        ("import pytest\n@pytest.fixture\ndef x(): pass\nf(x)", "def f(n): return n", "undecided", "pytest"),
        ("assert True", "def f(n): return n", "undecided", "never call"),
    ],
)
def test_broken_tests_are_told_apart_from_broken_programs(
    verifier: CodeVerifier, tests: str, program: str, outcome: str, part: str
) -> None:
    verdict = judge(verifier, program, tests=tests)
    assert verdict.outcome == outcome, verdict
    assert part in str(verdict.detail)


def test_a_generator_without_end_spends_the_programs_own_time(verifier: CodeVerifier) -> None:
    program = "def f():\n    while True: yield 1"
    verdict = judge(verifier, program, tests="assert list(f()) == [1, 1]")
    assert (verdict.outcome, verdict.reason) == ("rejected", "time_limit")
    assert judge(verifier, program, tests="assert next(f()) == 1").outcome == "accepted"


def test_many_arguments_cost_no_more_than_their_number(verifier: CodeVerifier) -> None:
    tests = "cases = [([n, n + 1], n) for n in range(1000)]\nfor given, want in cases:\n    assert f(given) == want"
    assert judge(verifier, "def f(x): return x[0]", tests=tests).outcome == "accepted"
    assert judge(verifier, "def f(x): return min(x[0], 998)", tests=tests).outcome == "rejected"


SAME = "def f(x): return x"


def test_a_test_called_by_the_text_runs_once(verifier: CodeVerifier) -> None:
    tests = "stack = []\ndef test_a():\n    stack.append(f(1))\n    assert stack == [1]\ntest_a()"
    assert judge(verifier, SAME, tests=tests).outcome == "accepted"


def test_an_exception_of_the_program_told_as_another_is_the_programs(verifier: CodeVerifier) -> None:
    tests = "try:\n    f(1)\nexcept Exception:\n    raise ImportError('x')"
    assert judge(verifier, "def f(x): return 1 / 0", tests=tests).outcome == "rejected"


def test_a_name_that_an_exception_of_the_program_left_unbound_is_the_programs(verifier: CodeVerifier) -> None:
    tests = "try:\n    got = f(1)\nexcept Exception:\n    pass\nassert got == 1"
    assert judge(verifier, "def f(x): return 1 / 0", tests=tests).outcome == "rejected"


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


def test_a_class_of_the_setup_is_known_on_both_sides(verifier: CodeVerifier) -> None:
    setup = "class Node:\n    def __init__(self, value, next=None):\n        self.value, self.next = value, next"
    tests = [
        "assert total(Node(1, Node(2))) == 3",
        "def values(node):\n    return [] if node is None else [node.value, *values(node.next)]\n"
        "assert values(turned(Node(1, Node(2, Node(3))))) == [3, 2, 1]",
    ]
    program = """
def total(node): return 0 if node is None else node.value + total(node.next)
def turned(node):
    last = None
    while node is not None:
        last, node = Node(node.value, last), node.next
    return last
"""
    assert judge(verifier, program, tests=tests, setup=setup).outcome == "accepted"
    wrong = program.replace("Node(node.value, last)", "Node(node.value, None)")
    assert judge(verifier, wrong, tests=tests, setup=setup).reason == "wrong_answer"


def test_a_setup_that_builds_the_programs_objects(verifier: CodeVerifier) -> None:
    setup = "root = Node(1)\nroot.left = Node(2)"
    program = "class Node:\n    def __init__(self, x): self.x, self.left = x, None\ndef f(n): return n.x + n.left.x"
    assert judge(verifier, program, tests=["assert f(root) == 3"], setup=setup).outcome == "accepted"
    assert judge(verifier, program, tests=["assert f(root) == 4"], setup=setup).reason == "wrong_answer"


def test_helpers_of_the_prefix_are_the_tasks_own(verifier: CodeVerifier) -> None:
    prefix = 'def double(x):\n    return 2 * x\n\ndef half(x):\n    """Undo double."""\n'
    tests = "def check(candidate):\n    for n in (1, 5):\n        assert candidate(double(n)) == n\n"
    reference = {"prefix": prefix, "tests": tests, "entry_point": "half"}
    assert judge(verifier, "    return x // 2\n", **reference).outcome == "accepted"
    cheat = "    return x\n\ndef double(x):\n    return x\n"
    assert judge(verifier, cheat, **reference).outcome == "rejected"


OBJECT = "def f(x): return object()"


PROTOCOLS = [
    "from collections.abc import Iterator\nassert isinstance(f(3), Iterator)",
    "from collections.abc import Iterable\nassert isinstance(f(3), Iterable)",
    "from collections.abc import Sized\nassert isinstance(f(3), Sized)",
    "from typing import Callable\nassert isinstance(f(3), Callable)",
    "assert callable(f(3))",
    "assert hasattr(f(3), '__len__')",
    "assert hasattr(f(3), '__enter__')",
]


@pytest.mark.parametrize("tests", PROTOCOLS)
def test_an_object_has_the_special_methods_of_its_class_only(verifier: CodeVerifier, tests: str) -> None:
    assert judge(verifier, OBJECT, tests=tests).outcome == "rejected"


MATRIX = (
    "class Matrix:\n    def __init__(self, rows): self.rows = rows\n    def equals(self, o): return self.rows == o.rows"
)


NODE = "class Node:\n    def __init__(self, v): self.v = v\n    def same(self, o): return self.v == o.v"


SHADOWS = [
    (
        "assert identity(2).equals(Matrix([[1, 0], [0, 1]]))",
        MATRIX,
        "def identity(n):\n    m = Matrix([])\n    m.equals = lambda o: True\n    return m",
    ),
    ("n = Node(1)\nbump(n)\nassert n.same(Node(2))", NODE, "def bump(n): n.same = lambda o: True"),
    ("n = Node(1)\nbump(n)\nassert n.same(Node(2))", NODE, "def bump(n): n.same = bool"),
]


@pytest.mark.parametrize(("tests", "setup", "program"), SHADOWS)
def test_the_methods_of_the_tests_own_classes_cannot_be_hidden(
    verifier: CodeVerifier, tests: str, setup: str, program: str
) -> None:
    assert judge(verifier, program, tests=tests, setup=setup).outcome == "rejected"
    honest = "def identity(n): return Matrix([[1, 0], [0, 1]])\ndef bump(n): n.v += 1"
    assert judge(verifier, honest, tests=tests, setup=setup).outcome == "accepted"


LIST_NODE = """
class ListNode:
    def __init__(self, val=0, next=None):
        self.val, self.next = val, next
"""
GRAPH_NODE = """
class Node:
    def __init__(self, val=0, neighbors=None):
        self.val, self.neighbors = val, neighbors or []
"""
REVERSE = """
class Solution:
    def reverse(self, head):
        last = None
        while head:
            head.next, last, head = last, head, head.next
        return last
"""
CLONE = """
class Solution:
    def clone(self, node):
        made = {}
        def copy(old):
            if old not in made:
                made[old] = Node(old.val)
                made[old].neighbors = [copy(other) for other in old.neighbors]
            return made[old]
        return copy(node)
"""
LONG = """
def build(n):
    head = None
    for value in range(n, 0, -1):
        head = ListNode(value, head)
    return head
node = Solution().reverse(build(100_000))
first, length = node.val, 0
while node:
    length, node = length + 1, node.next
assert (first, length) == (100_000, 100_000)
"""
LOOP = """
a = ListNode(1)
a.next = ListNode(2, a)
assert Solution().turns(a) is True and Solution().turns(ListNode(1)) is False
assert Solution().start(a) is a
"""
TURNS = """
class Solution:
    def turns(self, head):
        slow = fast = head
        while fast and fast.next:
            slow, fast = slow.next, fast.next.next
            if slow is fast:
                return True
        return False
    def start(self, head): return head
"""
COPIED = """
a, b = Node(1), Node(2)
a.neighbors, b.neighbors = [b], [a]
c = Solution().clone(a)
assert c is not a and c.val == 1 and c.neighbors[0].val == 2 and c.neighbors[0].neighbors[0] is c
"""
SHARED_CLASSES = {
    "a list of 100,000 nodes": (LONG, LIST_NODE, REVERSE, REVERSE.replace("return last", "return head")),
    "a list with a cycle": (LOOP, LIST_NODE, TURNS, TURNS.replace("return True", "return None")),
    "a graph": (COPIED, GRAPH_NODE, CLONE, CLONE.replace("return copy(node)", "return node")),
}


@pytest.mark.parametrize("name", SHARED_CLASSES)
def test_objects_of_shared_classes_cross_as_data(name: str) -> None:
    tests, setup, right, wrong = SHARED_CLASSES[name]
    verifier = CodeVerifier(CodeVerifier.Settings.model_validate({"timeout": 30.0, "sandbox": "process"}))
    assert judge(verifier, right, tests=tests, setup=setup).outcome == "accepted"
    assert judge(verifier, wrong, tests=tests, setup=setup).outcome == "rejected"
    verifier.close()


OF_SOLUTION = [
    "from solution import f\ndef test_a():\n    assert f(2) == 4\ndef test_b():\n    assert f(3) == 6",
    "import solution\ndef test_a():\n    assert solution.f(2) == 4",
    "from solution import *\nfor x in range(3):\n    assert f(x) == 2 * x",
    "from solution import f as double\nassert double(3) == 6",
]


@pytest.mark.parametrize("tests", OF_SOLUTION)
def test_a_module_named_solution_holds_the_program(verifier: CodeVerifier, tests: str) -> None:
    assert judge(verifier, "def f(x): return x * 2", tests=tests).outcome == "accepted"
    assert judge(verifier, "def f(x): return x", tests=tests).outcome == "rejected"
    assert judge(verifier, "def g(x): return x * 2", tests=tests).reason == "missing_function"


def test_a_kept_argument_is_followed_and_given_up_with_the_call_otherwise(verifier: CodeVerifier) -> None:
    tests = "log = []\nk = Keeper(log)\nk.add(1)\nlog.append(2)\nassert (log, k.size()) == ([1, 2], 2)"
    keeper = (
        "class Keeper:\n    def __init__(self, kept): self.kept = kept\n    def add(self, x): self.kept.append(x)\n"
    )
    size = "    def size(self): return len(self.kept)"
    assert judge(verifier, keeper + size, tests=tests).outcome == "accepted"
    assert judge(verifier, keeper.replace("= kept", "= list(kept)") + size, tests=tests).outcome == "rejected"
    many = "s = Solution()\nfor n in range(300):\n    a = list(range(1000))\n    assert s.f(a) == 999"
    assert judge(verifier, "class Solution:\n    def f(self, a): return a[-1]", tests=many).outcome == "accepted"


def test_a_test_that_cannot_run_here_is_nobodys_failure(verifier: CodeVerifier) -> None:
    program = "class Theirs:\n    pass\ndef f(x): return x\ndef quiet(g): return lambda *given: None"
    for tests, part in {
        "async def test_a():\n    assert f(2) == 4": "coroutine",
        "def test_a():\n    yield 1\n    assert f(2) == 4": "generator",
        "def test_a(tmp_path):\n    assert f(2) == 4": "fixtures",
        "class TestA:\n    def __init__(self): pass\n    def test_a(self):\n        assert f(2) == 4": "constructor",
        "@quiet\ndef test_a():\n    assert f(2) == 4": "no plain function",
        "class Mine(Theirs):\n    pass\nassert Mine()": "inherits",
        "from unittest import mock\nassert f(1) == mock.ANY": "mocks",
        "import sys\nsys.stdin = None\nassert f(1) == 2": "change the module `sys`",
        "open('note.txt', 'w').write('x')\nassert f(1) == 2": "write files",
        "import os\nos.environ['A'] = 'b'\nassert f(1) == 2": "environment",
        "class Own:\n    pass\nassert f(Own()) == 2": "of class `Own`",
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.skipTest('later')": "skips",
    }.items():
        verdict = judge(verifier, program, tests=tests)
        assert (verdict.outcome, verdict.reason) == ("undecided", "open"), (tests, verdict)
        assert part in str(verdict.detail["why"]), verdict
        assert "`seal: shared`" in str(verdict.detail["why"])


LIES = "    def __sub__(s, o): return 0\n    def __lt__(s, o): return True\n    def __contains__(s, o): return True"
SOLUTION = f"class Solution:\n    def root(self, x): return self\n{LIES}"


DECIDING = [
    ("assert abs(Solution().root(2) - 1.41421356) < 1e-6", SOLUTION),
    ("s = Solution()\nassert abs(s.root(2) - 1.41421356) < 1e-6", SOLUTION),
    ("assert Solution().root(2) < 7", SOLUTION),
    ("q = []\nq.extend(map(Solution().root, [2]))\nassert q[0] < 7", SOLUTION),
    ("assert Solution().v < 7", f"class Solution:\n{LIES}\n    v = property(lambda s: s)"),
    ("assert Solution()[0] < 7", f"class Solution:\n{LIES}\n    def __getitem__(s, k): return s"),
    ("assert [x < 7 for x in Solution()]", f"class Solution:\n{LIES}\n    def __iter__(s): return iter([s])"),
    ("a, b = Solution().two()\nassert a < 7", f"class Solution:\n{LIES}\n    def two(s): return s, s"),
    (
        "assert abs(Solution().root(2) - 1.41421356) < 1e-6",
        "class Solution:\n    def root(self, x): return self\n    def __sub__(self, o): return self\n"
        "    def __abs__(self): return 0",
    ),
    (
        "assert (Solution().root(2) - 1.41421356).size() < 1e-6",
        "class Solution:\n    def root(self, x): return self\n    def __sub__(self, o): return Solution()\n"
        "    def size(self): return 0",
    ),
    ("assert 3 in Solution().root(2)", SOLUTION),
    (
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n"
        "        self.assertAlmostEqual(Solution().root(2), 1.41421356)",
        SOLUTION,
    ),
    (
        "import pytest\ndef test_a():\n    with pytest.raises(BadInput):\n        root(-1)\n"
        "    assert abs(root(2) - 1.41421356) < 1e-6",
        f"class BadInput(ValueError): pass\nclass Z:\n{LIES}\nZ.__name__ = 'BadInput'\n"
        "def root(x):\n    if x < 0: raise BadInput\n    return Z()",
    ),
    (
        "import pytest\ndef test_a():\n    with pytest.raises(BadInput):\n        root(-1)\n"
        "    assert abs(root(2) - 1.41421356) < 1e-6",
        f"class BadInput(ValueError):\n{LIES}\ndef root(x):\n    if x < 0: raise BadInput\n    return BadInput()",
    ),
    ("assert abs(f(2) - 1.5) < 1e-6\nassert f(3) == Point(1)", f"class Point:\n{LIES}\nf = Point"),
    ("assert f(2).issubset({1, 2})", "class S:\n    def issubset(self, o): return True\ndef f(x): return S()"),
    (
        "with opened(3) as v:\n    assert v == 9",
        "class O:\n    def __enter__(s): return 1\n    def __exit__(s, *a): return True\ndef opened(x): return O()",
    ),
    (
        "with Timer() as t:\n    assert t.total(2) == 4",
        "class Timer:\n    def __enter__(s): return s\n    def __exit__(s, *a): return True\n"
        "    def total(s, x): raise KeyError",
    ),
    (
        "def bad(x):\n    assert x == 1\nwith Timer() as t:\n    t.each(bad)",
        "class Timer:\n    def __enter__(s): return s\n    def __exit__(s, *a): return True\n    def each(s, g): g(2)",
    ),
]


@pytest.mark.parametrize(("tests", "program"), DECIDING)
def test_an_object_of_the_program_decides_nothing(verifier: CodeVerifier, tests: str, program: str) -> None:
    assert judge(verifier, program, tests=tests).outcome != "accepted"


FORGED = {
    "an exit where the tests know of exits": (
        "try:\n    f(-1)\nexcept SystemExit:\n    pass\nassert f(2) == 4\nassert f(3) == 9",
        "import sys\ndef f(x): sys.exit(0)",
    ),
    "a class that a method returns": (
        "assert Solution().f(1).startswith('ab')",
        "class Solution:\n    def f(self, x): return Solution\n    startswith = staticmethod(lambda text: True)",
    ),
    "a function that returns itself": (
        "for x in [1]:\n    assert f(x).startswith('ab')",
        "def f(x): return f\nf.startswith = lambda text: True",
    ),
    "another class with the method of a date": (
        "import datetime\nfor x in [1]:\n    assert f(x).isocalendar() > (2020, 1, 1)",
        "class Late:\n    def isocalendar(self): return (9999, 1, 1)\ndef f(x): return Late()",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_stands_in_for_a_value_decides_nothing(verifier: CodeVerifier, name: str) -> None:
    tests, program = FORGED[name]
    assert judge(verifier, program, tests=tests).outcome != "accepted"


def test_an_object_does_not_stand_for_one_of_a_shared_class(verifier: CodeVerifier) -> None:
    program = "class Liar:\n    def equals(self, other): return True\ndef identity(n): return Liar()"
    verdict = judge(verifier, program, tests="assert identity(2).equals(Matrix([[1, 0], [0, 1]]))", setup=MATRIX)
    assert verdict.outcome != "accepted", verdict


def test_a_text_may_end_itself(verifier: CodeVerifier) -> None:
    for ending in ("import sys\nsys.exit()", "exit(0)", "raise SystemExit"):
        tests = f"for x in [2]:\n    assert f(x) == 4\n{ending}"
        assert judge(verifier, "def f(x): return x * x", tests=tests).outcome == "accepted"
        assert judge(verifier, "def f(x): return x", tests=tests).outcome == "rejected"
