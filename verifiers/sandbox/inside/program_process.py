"""What runs inside the process of a program under judgement: compile it, run it, answer calls with plain
data.

Everything here shares its interpreter with hostile code, so nothing that it says is believed: an answer is a
value to be compared outside, and a process that says nothing has answered nothing. Expected values never come
here.
"""

from __future__ import annotations

import _sitebuiltins
import atexit
import builtins
import gc
import random
import sys
import threading
import types
from typing import Any

from selfplay.verifiers.sandbox.channel import Channel
from selfplay.verifiers.sandbox.inside import shared_tests
from selfplay.verifiers.sandbox.inside.exception_data import PROGRAM, describe
from selfplay.verifiers.sandbox.inside.object_server import Server
from selfplay.verifiers.sandbox.inside.plain_data import Encoder, TooBig, decode

SETUP = "<setup>"


def prepare() -> None:
    """What is the same for every program; done once, in the warm parent."""
    # the private module that `site` takes them from, and this interpreter was started without `site`
    for name in ("exit", "quit"):
        setattr(builtins, name, _sitebuiltins.Quitter(name, "Ctrl-D"))
    random.seed(0)


def run(channel: Channel) -> None:
    """Serve one execution, as its first message asks: `calls`, `serve`, `shared` or `script`; after `prepare`."""
    order = channel.receive()
    namespace = _module("__main__" if order["mode"] == "script" else "solution")
    code = _compile(channel, order["programs"])
    if code is None:
        return
    gc.set_threshold(50_000, 20, 50)  # the default looks at a list of 100,000 nodes again and again
    gc.enable()
    if order["mode"] == "script":
        _script(channel, code, namespace)
        return
    try:
        if order["setup"]:
            exec(compile(order["setup"], SETUP, "exec", dont_inherit=True), namespace)
        exec(code, namespace)
    except BaseException as error:
        channel.send({"stage": "program", "error": describe(error)})
        return
    if order["mode"] == "calls":
        _calls(channel, order["calls"], namespace)
    elif order["mode"] == "shared":
        channel.send(shared_tests.run(order, namespace))
    else:
        channel.send({"loaded": True})
        Server(channel, namespace, order["shared"]).serve()
    sys.stdout.flush()


def _module(name: str) -> dict[str, Any]:
    module = types.ModuleType(name)
    sys.modules[name] = module
    return module.__dict__


def _compile(channel: Channel, programs: list[str]) -> types.CodeType | None:
    """The first of the texts that is a program; which one is told before any of it runs."""
    first: BaseException | None = None
    for place, text in enumerate(programs):
        try:
            code = compile(text, PROGRAM, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
            first = first or error
        else:
            channel.send({"program": place})
            return code
    channel.send({"stage": "compile", "error": describe(first or SyntaxError("no program"))})
    return None


def _calls(channel: Channel, calls: list[Any], namespace: dict[str, Any]) -> None:
    """Each call with fresh arguments, each answered before the next begins; ends at the first that fails."""
    encoder = Encoder()
    for name, arguments, keywords in calls:
        try:
            value = namespace[name](*decode(arguments), **decode(keywords))
            channel.send({"value": encoder.encode(value)})
        except TooBig as error:
            channel.send({"too_big": str(error)})
            return
        except KeyError as error:
            missing = name not in namespace
            channel.send({"missing": name} if missing else {"stage": "call", "error": describe(error)})
            return
        except BaseException as error:
            channel.send({"stage": "call", "error": describe(error)})
            return


def _script(channel: Channel, code: types.CodeType, namespace: dict[str, Any]) -> None:
    """A whole program with its own input and output; its way of ending is told as an interpreter would tell
    it."""
    status: Any = 0
    try:
        exec(code, namespace)
    except SystemExit as stop:
        status = stop.code
    except BaseException as error:
        channel.send({"stage": "program", "error": describe(error)})
        return
    try:
        # private, but what an interpreter runs at its end, and there is no public way to run it
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except BaseException as error:
        channel.send({"stage": "program", "error": describe(error)})
        return
    channel.send({"exit": int(status) if isinstance(status, int) else 0 if status is None else 1})
