"""Landlock: which files a process may touch, by rules that it puts on itself (Linux 5.13).

What is covered: reading and writing outside the given folders; from Linux 6.7 TCP, from 6.12 abstract sockets
and signals to processes outside. What is not covered: files that were open before, and `stat`, `chmod` and
the like on paths that can be named (metadata is not ruled by Landlock).
"""

from __future__ import annotations

import os
import struct

from verifiers.sandbox import linux

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
ALL_OF_ABI_1 = (1 << 13) - 1
REFER, TRUNCATE, IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
READ = EXECUTE | READ_FILE | READ_DIR
BIND_AND_CONNECT_TCP = 3
ABSTRACT_SOCKETS_AND_SIGNALS = 3
RULE_PATH_BENEATH = 1
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
    files = ALL_OF_ABI_1
    files |= REFER if abi >= 2 else 0
    files |= TRUNCATE if abi >= 3 else 0
    files |= IOCTL_DEVICE if abi >= 5 else 0
    words = [files]
    words += [BIND_AND_CONNECT_TCP] if abi >= 4 else []
    words += [ABSTRACT_SOCKETS_AND_SIGNALS] if abi >= 6 else []
    attributes = struct.pack(f"={len(words)}Q", *words)
    rules = linux.system_call("landlock_create_ruleset", attributes, len(attributes), 0)
    for path in readable:
        _allow(rules, path, files & READ)
    for path in writable:
        _allow(rules, path, files & ~(IOCTL_DEVICE | REFER))
    return rules


def restrict(rules: int) -> None:
    """Put the rules on this thread; there is no way back. Needs no_new_privs. Raises OSError."""
    linux.system_call("landlock_restrict_self", rules, 0)


def _allow(rules: int, path: str, access: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):
            access &= EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
        linux.system_call("landlock_add_rule", rules, RULE_PATH_BENEATH, struct.pack("=Qi", access, place), 0)
    finally:
        os.close(place)
