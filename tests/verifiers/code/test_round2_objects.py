"""What objects of a program may decide about, and when the tests run again with arguments that stay as they were.

Each row was once accepted although the program fails its tests; the honest rows must stay accepted.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from selfplay.verifiers.code import CodeVerifier
from selfplay.verifiers.contract.verifier import Asked


@pytest.fixture(scope="module")
def verifier() -> Iterator[CodeVerifier]:
    packages = ["numpy"] if importlib.util.find_spec("numpy") else []
    about = {"timeout": 2.0, "sandbox": "process", "packages": packages}
    made = CodeVerifier(CodeVerifier.Settings.model_validate(about))
    made.warm()
    yield made
    made.close()


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
    assert judged(verifier, OBJECT, tests=tests) == "rejected"


def test_an_object_without_a_hash_has_none(verifier: CodeVerifier) -> None:
    tests = "from collections.abc import Hashable\nassert isinstance(f(3), Hashable)"
    assert judged(verifier, OBJECT, tests=tests) == "accepted"
    unhashable = "class A:\n    def __eq__(self, o): return True\ndef f(x): return A()"
    assert judged(verifier, unhashable, tests=tests) == "rejected"


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
    assert judged(verifier, program, tests=tests, setup=setup) == "rejected"
    honest = "def identity(n): return Matrix([[1, 0], [0, 1]])\ndef bump(n): n.v += 1"
    assert judged(verifier, honest, tests=tests, setup=setup) == "accepted"


CLEARS = "def f(a):\n    a.clear()\n    return a\nclass Solution:\n    def f(self, a): return f(a)"
SORTS = "def f(a): return sorted(a)\nclass Solution:\n    def f(self, a): return f(a)"
CHANGED = [
    "s = Solution()\na = [3, 1, 2]\nassert s.f(a) == sorted(a)",
    "import unittest\nclass T(unittest.TestCase):\n    def setUp(self):\n        self.s = Solution()\n"
    "    def test_a(self):\n        a = [3, 1, 2]\n        self.assertEqual(self.s.f(a), sorted(a))",
    "def check(candidate):\n    run = candidate\n    a = [3, 1, 2]\n    assert run(a) == sorted(a)",
    "fs = {'f': f}\na = [3, 1, 2]\nassert fs['f'](a) == sorted(a)",
    "def g(a):\n    return f(a)\na = [3, 1, 2]\nassert g(a) == sorted(a)",
    "class G:\n    def run(self, a):\n        return f(a)\na = [3, 1, 2]\nassert G().run(a) == sorted(a)",
    "a = [3, 1, 2]\nassert (f(a) == sorted(a)) is True",
    "a = [3, 1, 2]\nassert f(a).__eq__(sorted(a))",
    "a = [3, 1, 2]\nmatch f(a) == sorted(a):\n    case True: pass\n    case _: assert False",
    "a = [3, 1, 2]\ndef want(): return sorted(a)\nassert f(a) == want()",
    "a = [3, 1, 2]\ng = globals()['f']\nassert g(a) == sorted(a)",
    "a: list = [3, 1, 2]\ngot: list = f(a)\nassert got == sorted(a)",
]


@pytest.mark.parametrize("tests", CHANGED)
def test_an_expectation_made_of_arguments_is_seen_through_names_and_wrappers(
    verifier: CodeVerifier, tests: str
) -> None:
    about = {"tests": tests, "entry_point": "f" if "check" in tests or "globals" in tests else None}
    assert judged(verifier, CLEARS, **about) == "rejected"
    assert judged(verifier, SORTS, **about) == "accepted"
    in_place = SORTS.replace("return sorted(a)", "\n    a.sort()\n    return a", 1)
    assert judged(verifier, in_place, **about) == "accepted"


def test_a_method_that_returns_nothing_cannot_spoil_what_is_expected(verifier: CodeVerifier) -> None:
    tests = "b = Bag()\na = [1, 2]\nb.load(a)\nassert b.size() == len(a)"
    bag = "class Bag:\n    def load(self, i): self.n = len(i)\n    def size(self): return self.n"
    assert judged(verifier, bag, tests=tests) == "accepted"
    assert judged(verifier, bag.replace("self.n = len(i)", "i.clear(); self.n = 0"), tests=tests) == "rejected"


@pytest.mark.skipif(not importlib.util.find_spec("numpy"), reason="numpy is not here")
def test_arrays_that_the_program_spoils_are_no_expectation(verifier: CodeVerifier) -> None:
    tests = "import numpy as np\na = np.array([3, 1, 2])\nassert (f(a) == np.sort(a)).all()"
    assert judged(verifier, "def f(a):\n    a[:] = 0\n    return a", tests=tests) == "rejected"
    assert judged(verifier, "import numpy as np\ndef f(a): return np.sort(a)", tests=tests) == "accepted"


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
def test_an_object_that_came_back_decides_nothing(verifier: CodeVerifier, tests: str, program: str) -> None:
    assert judged(verifier, program, tests=tests) == "rejected"


VECTOR = """
class Vector:
    def __init__(self, *xs): self.xs = list(xs)
    def __add__(self, o): return Vector(*[x + y for x, y in zip(self.xs, o.xs)])
    def __mul__(self, k): return Vector(*[x * k for x in self.xs])
    __rmul__ = __mul__
    def __neg__(self): return self * -1
    def __eq__(self, o): return self.xs == o.xs
    def __lt__(self, o): return self.xs < o.xs
    def __contains__(self, x): return x in self.xs
    def __len__(self): return len(self.xs)
    def __getitem__(self, k): return self.xs[k]
    def push(self, x): self.xs.append(x); return self
    def __enter__(self): return self
    def __exit__(self, kind, *e): return kind is KeyError
    @classmethod
    def zero(cls, n): return cls(*[0] * n)
"""
HONEST = [
    ("assert 2 * (Vector(1, 2) + Vector(3, 4)) * 3 == -Vector(-24, -36)", VECTOR),
    ("v = Vector(1)\nv.push(2)\nassert 2 in v and v[1] == 2 and len(v) == 2 and v.push(3) is v", VECTOR),
    ("assert sorted([Vector(2), Vector(1)])[0][0] == 1 and Vector.zero(2) < Vector(0, 1)", VECTOR),
    ("assert Vector.zero(2) + Vector.zero(2) == Vector(0, 0) and list(reversed(Vector(1, 2))) == [2, 1]", VECTOR),
    ("with Vector(1) as v:\n    assert 1 in v\n    raise KeyError", VECTOR),
    ("assert hasattr(Vector(1), '__len__') and not callable(Vector(1)) and bool(Vector()) is False", VECTOR),
    ("a = A()\nassert (a._number, a._kind, a._bridge) == (1, 2, 3)\n", "class A: _number, _kind, _bridge = 1, 2, 3"),
    ("from collections.abc import Iterator\ng = f(2)\nassert isinstance(g, Iterator) and iter(g) is g and next(g) == 0",
     "def f(n): yield from range(n)"),
    ("assert callable(f(1)) and f(1)(2) == 3", "def f(x): return lambda y: x + y"),
    ("assert f.__doc__ == 'Hi.' and f.__name__ == 'f'", "def f():\n    'Hi.'"),
    ("with ignored(ZeroDivisionError):\n    1 / 0\nassert ignored",
     "import contextlib\n@contextlib.contextmanager\ndef ignored(k):\n    try: yield\n    except k: pass"),
    ("t = build(['ab'])\nassert t.search('ab') and not t.search('b')",
     "class T:\n    def __init__(s, w): s.w = w\n    def search(s, x): return x in s.w\ndef build(w): return T(w)"),
    ("a = [1, 2, 3]\nbefore = len(a)\ns = Solution()\nassert s.f(a) == 3\nassert len(a) == before - 1",
     "class Solution:\n    def f(self, a): return a.pop()"),
    (
        "nums = [1, 1, 2]\nk = Solution().dedupe(nums)\nassert k == 2 and nums[:k] == [1, 2]",
        "class Solution:\n    def dedupe(self, a):\n        u = sorted(set(a))\n        a[: len(u)] = u\n"
        "        return len(u)",
    ),
    ("v = Vector(1).push(2)\nassert v * 2 * 3 == Vector(6, 12)", VECTOR),
    ("s = Solution()\na = [3, 1]\nwant = sorted(a)\ns.f(a)\nassert a == want",
     "class Solution:\n    def f(self, a): a.sort()"),
    ("h = make([2])\nassert push(h, 1) is h\nassert h == [1, 2]\nassert pop(h) == 1\nassert h == [2]",
     "def make(a): return sorted(a)\ndef push(h, x):\n    h.append(x)\n    h.sort()\n    return h\n"
     "def pop(h): return h.pop(0)"),
    ("assert Color.RED < Color.BLUE and Color.RED in list(Color) and Color('r') is Color.RED and len(Color) == 2",
     "import enum\nclass Color(enum.Enum):\n    RED = 'r'\n    BLUE = 'b'\n    def __lt__(s, o): return s is not o"),
]  # fmt: skip


@pytest.mark.parametrize(("tests", "program"), HONEST)
def test_honest_objects_are_used_as_ever(verifier: CodeVerifier, tests: str, program: str) -> None:
    assert judged(verifier, program, tests=tests) == "accepted"


def judged(verifier: CodeVerifier, program: str, **reference: Any) -> str:
    verdict = verifier.verify(Asked(CodeVerifier.Reference.model_validate(reference), program))
    print(verdict)
    return verdict.outcome


def test_without_columns_no_result_counts_as_dropped() -> None:
    """An interpreter under `-X no_debug_ranges` once took every call for one whose result is dropped."""
    script = (
        "from selfplay.verifiers.sandbox.border.callers import is_dropped\n"
        "import dis\n"
        "code = compile('q.extend(map(root().name, [2]))', '<t>', 'exec')\n"
        "print([is_dropped(code, step.offset, 'name') for step in dis.get_instructions(code)].count(True))\n"
    )
    for flags in (["-X", "no_debug_ranges"], []):
        done = subprocess.run([sys.executable, *flags, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout == "0\n"
