"""Landlock: which files a process may touch, by rules that it puts on itself (Linux 5.13).

What is covered: reading and writing outside the given folders; from Linux 6.7 TCP, from 6.12 abstract sockets
and signals to processes outside. What is not covered: files that were open before, and `stat`, `chmod` and
the like on paths that can be named (metadata is not ruled by Landlock).
"""

from __future__ import annotations

import os
import struct

from selfplay.verifiers.sandbox.kernel import linux
from selfplay.verifiers.sandbox.kernel.linux import Step, call

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
ALL_OF_ABI_1 = (1 << 13) - 1
REFER, TRUNCATE, IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
READ = EXECUTE | READ_FILE | READ_DIR
BIND_AND_CONNECT_TCP = 3
ABSTRACT_SOCKETS_AND_SIGNALS = 3
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
RULE_PATH_BENEATH = 1
OPENED = os.O_PATH | os.O_CLOEXEC if hasattr(os, "O_PATH") else 0
CREATE_RULESET_VERSION = 1


def version() -> int:
    """The Landlock ABI of this kernel, 0 where there is none."""
    try:
        return linux.system_call("landlock_create_ruleset", None, 0, CREATE_RULESET_VERSION)
    except OSError:
        return 0


def ruleset(abi: int, readable: list[str], writable: list[str]) -> int:
    """A descriptor of rules: read below `readable`, everything but devices below `writable`, nothing else.

    Raises OSError where the kernel refuses. Paths that do not exist are left out.
    """
    attributes = _attributes(abi)
    rules = linux.system_call("landlock_create_ruleset", attributes, len(attributes), 0)
    for path, access in _granted(abi, readable, writable):
        try:
            place = os.open(path, OPENED)
        except FileNotFoundError:
            continue
        try:
            linux.system_call("landlock_add_rule", rules, RULE_PATH_BENEATH, _rule(access, place), 0)
        finally:
            os.close(place)
    return rules


def steps(abi: int, readable: list[str], writable: list[str], free: int) -> list[Step]:
    """The same, and `restrict`, as steps of a process whose lowest free descriptors are `free` and the next."""
    attributes, rules, place = _attributes(abi), free, free + 1
    made = [call("landlock_create_ruleset", attributes, len(attributes), 0)]
    for path, access in _granted(abi, readable, writable):
        rule = _rule(access, place)
        made += [
            call("openat", linux.AT_FDCWD, os.fsencode(path), OPENED, 0),
            call("landlock_add_rule", rules, RULE_PATH_BENEATH, rule, 0),
            call("close", place),
        ]
    return made + restrict(rules)


def restrict(rules: int) -> list[Step]:
    """Put the rules on this thread, and close them; there is no way back. Needs no_new_privs."""
    return [call("landlock_restrict_self", rules, 0), call("close", rules)]


def _attributes(abi: int) -> bytes:
    words = [_all_of(abi)]
    words += [BIND_AND_CONNECT_TCP] if abi >= 4 else []
    words += [ABSTRACT_SOCKETS_AND_SIGNALS] if abi >= 6 else []
    return struct.pack(f"={len(words)}Q", *words)


def _all_of(abi: int) -> int:
    files = ALL_OF_ABI_1
    files |= REFER if abi >= 2 else 0
    files |= TRUNCATE if abi >= 3 else 0
    return files | (IOCTL_DEVICE if abi >= 5 else 0)


def _granted(abi: int, readable: list[str], writable: list[str]) -> list[tuple[str, int]]:
    """What may be done below each path."""
    files = _all_of(abi)
    granted = [(path, files & READ) for path in readable]
    granted += [(path, files & ~(IOCTL_DEVICE | REFER)) for path in writable]
    return [(path, access if os.path.isdir(path) else access & OF_FILES) for path, access in granted]


def _rule(access: int, place: int) -> bytes:
    return struct.pack("=Qi", access, place)
