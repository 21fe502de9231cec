"""Ordinary tests, as people write them, whose right program was rejected once: each with a wrong program besides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from selfplay.verifiers.code import CodeVerifier
from selfplay.verifiers.contract.verifier import Asked


@pytest.fixture(scope="module")
def verifier() -> Iterator[CodeVerifier]:
    made = CodeVerifier(CodeVerifier.Settings.model_validate({"timeout": 3.0, "sandbox": "process"}))
    made.warm()
    yield made
    made.close()


STACK = """
class Stack:
    def __init__(self): self.items = []
    def push(self, x): self.items.append(x)
    def pop(self): return self.items.pop()
"""
KEEPER = """
class Keeper:
    def __init__(self, kept): self.kept = kept
    def size(self): return len(self.kept)
    def add(self, x): self.kept.append(x)
"""
TAGGED = """
from contextlib import contextmanager
@contextmanager
def tag(log, name):
    log.append('<' + name)
    yield
    log.append(name + '>')
"""
WRAPS = """
import functools
def timed(f):
    @functools.wraps(f)
    def wrapper(*args): return f(*args)
    return wrapper
"""
COUNTER = """
import threading
class Counter:
    def __init__(self): self.n, self.lock = 0, threading.Lock()
    def increase(self):
        with self.lock: self.n += 1
"""
CASE = "import unittest\nclass T(unittest.TestCase):\n"
ROWS = {
    "a parameter called target": (
        "assert Solution().twoSum(nums=[3, 3], target=6) == [0, 1]",
        "class Solution:\n    def twoSum(self, nums, target): return [0, 1] if target == 6 else []",
        "class Solution:\n    def twoSum(self, nums, target): return []",
    ),
    "parameters called self and request": (
        "for x in [1]:\n    assert f(self=x, request=2) == 3",
        "def f(self, request): return self + request",
        "def f(self, request): return self",
    ),
    "a copy of an object": (
        "import copy\ns = Stack()\ns.push(1)\nt = copy.deepcopy(s)\nt.push(2)\n"
        "assert (s.items, t.items) == ([1], [1, 2])",
        STACK,
        STACK + "    def __deepcopy__(self, memo): return self",
    ),
    "a shallow copy": (
        "import copy\ns = Stack()\ns.push(1)\nassert copy.copy(s).pop() == 1\nassert s.items == []",
        STACK,
        STACK + "    def __copy__(self): return Stack()",
    ),
    "a list that the tests change while an object holds it": (
        "log = []\nk = Keeper(log)\nlog.append(1)\nassert k.size() == 1\nk.add(2)\nassert log == [1, 2]",
        KEEPER,
        KEEPER.replace("= kept", "= list(kept)"),
    ),
    "a list that both change around a block": (
        "log = []\nwith tag(log, 'b'):\n    log.append('x')\nassert log == ['<b', 'x', 'b>']",
        TAGGED,
        TAGGED.replace("    log.append(name + '>')", ""),
    ),
    "the name of a decorated function": (
        "@timed\ndef wait(x):\n    'Waits.'\n    return x\nassert wait(1) == 1\n"
        "assert (wait.__name__, wait.__doc__) == ('wait', 'Waits.')",
        WRAPS,
        WRAPS.replace("    @functools.wraps(f)\n", ""),
    ),
    "an exception of the standard library": (
        "import json, pytest\nwith pytest.raises(json.JSONDecodeError):\n    f('{')\nassert f('1') == 1",
        "import json\ndef f(x): return json.loads(x)",
        "def f(x):\n    if x == '{': raise ValueError\n    return 1",
    ),
    "a frozen dataclass": (
        "import dataclasses, pytest\np = P(1)\nwith pytest.raises(dataclasses.FrozenInstanceError):\n    p.x = 3",
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass P:\n    x: int",
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int",
    ),
    "threads of the tests": (
        "import threading\nc = Counter()\nthreads = [threading.Thread(target=c.increase) for _ in range(8)]\n"
        "for t in threads: t.start()\nfor t in threads: t.join()\nassert c.n == 8",
        COUNTER,
        COUNTER.replace("+= 1", "= 1"),
    ),
    "a coroutine": (
        "import asyncio\nassert asyncio.run(f(3)) == 6",
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return 2 * x",
        "async def f(x): return x",
    ),
    "coroutines together": (
        "import asyncio\nasync def main():\n    return await asyncio.gather(f(1), asyncio.wait_for(f(2), 1))\n"
        "assert asyncio.run(main()) == [2, 4]",
        "async def f(x): return 2 * x",
        "def f(x): return 2 * x",
    ),
    "an error of a coroutine": (
        "import asyncio, pytest\nwith pytest.raises(ValueError, match='no'):\n    asyncio.run(f(1))",
        "async def f(x): raise ValueError('no')",
        "async def f(x): return 1",
    ),
    "printed text, redirected": (
        "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as out:\n    hello('x')\n"
        "assert out.getvalue() == 'hi x\\n'",
        "def hello(name): print('hi', name)",
        "def hello(name): print('hi')",
    ),
    "printed text of a method, where sys.stdout is replaced": (
        "import io, sys\nsys.stdout = io.StringIO()\nA().show()\nA().show()\n"
        "assert sys.stdout.getvalue() == 'a\\na\\n'",
        "import sys\nclass A:\n    def show(self): sys.stdout.write('a\\n')",
        "class A:\n    def show(self): pass",
    ),
    "input that is patched": (
        "from unittest.mock import patch\nwith patch('builtins.input', side_effect=['1', '2']) as asked:\n"
        "    assert f() == 3\nasked.assert_called_with('b')",
        "def f(): return int(input('a')) + int(input('b'))",
        "def f(): return 3",
    ),
    "input from a replaced sys.stdin": (
        "import io, sys\nsys.stdin = io.StringIO('4\\n5\\n')\nassert (f(), f()) == (4, 5)",
        "def f(): return int(input())",
        "def f(): return 4",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_right_program_passes_and_the_wrong_one_does_not(verifier: CodeVerifier, name: str) -> None:
    tests, right, wrong = ROWS[name]
    for program, outcome in ((right, "accepted"), (wrong, "rejected")):
        verdict = verifier.verify(Asked(CodeVerifier.Reference.model_validate({"tests": tests}), program))
        assert verdict.outcome == outcome, (program, verdict)
