"""Who a sandbox is to the machine: the user and group ids of its user namespace, written from outside.

What is covered: ids of its own where this process may give them, so that limits on processes count this sandbox alone
and no file of the machine is its own. What is not covered: an unprivileged user, who has no other ids to give.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

OWN_ID_BASE = 1_000_000_000


def map_ids(pid: int) -> None:
    """Give the new user namespace its ids: an own one where this process may, else this process's own as 0.

    An own id makes the limit on processes count this sandbox alone, and owns no file of the machine; the
    present user stays in the map as 1, because only it may read an interpreter in its home while the root is
    built.
    """
    user, group = os.geteuid(), os.getegid()
    own = OWN_ID_BASE + os.getpid() % 1_000_000
    if user == 0 and _may_map(own):
        # refused where this process has user id 0 without the power that usually comes with it
        with contextlib.suppress(PermissionError):
            Path(f"/proc/{pid}/uid_map").write_text(f"0 {own} 1\n1 {user} 1\n")
            Path(f"/proc/{pid}/gid_map").write_text(f"0 {own} 1\n1 {group} 1\n")
            return
    Path(f"/proc/{pid}/setgroups").write_text("deny")
    Path(f"/proc/{pid}/uid_map").write_text(f"0 {user} 1\n")
    Path(f"/proc/{pid}/gid_map").write_text(f"0 {group} 1\n")


def _may_map(wanted: int) -> bool:
    """Whether this process's own user namespace has the id."""
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, count = (int(field) for field in line.split())
        if first <= wanted < first + count:
            return True
    return False
