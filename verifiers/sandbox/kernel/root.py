"""The file system of the `namespaces` level: an empty root with the interpreter's own files in it, read-only.

What is covered: nothing else of the machine has a name inside: no home, no data, no /proc, no devices but
null and urandom, no program that could be started. What is not covered: the interpreter's library itself,
which can be read.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Sequence

from selfplay.verifiers.sandbox.kernel import linux

DEVICES = ("/dev/null", "/dev/urandom")
INSTALLED = ("site-packages", "dist-packages")
"""Folders of installed packages, which a program does not see."""


def library_folder() -> str:
    """The folder of the standard library."""
    return os.path.realpath(sysconfig.get_path("stdlib"))


def library_entries() -> list[str]:
    """What the standard library consists of, without the packages that were installed beside it."""
    folder = library_folder()
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name not in INSTALLED]


def shared_libraries(granted: Sequence[str] = ()) -> list[str]:
    """Files that the interpreter's extension modules are linked against (libc, libcrypto, ...), once each.

    A forked process loads every extension module and reads which files that mapped, so nothing stays loaded
    here.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            os.write(writer, "\n".join(_mapped_with_all_extensions()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        names = answer.read().decode().split("\n")
    os.waitpid(child, 0)
    inside = tuple(folder + os.sep for folder in (library_folder(), *granted))
    return sorted({name for name in names if name and not name.startswith(inside)})


def _mapped_with_all_extensions() -> list[str]:
    import ctypes

    folder = os.path.join(library_folder(), "lib-dynload")
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        try:
            ctypes.CDLL(os.path.join(folder, name))
        except OSError:
            continue  # an extension whose system library is not installed cannot be imported inside either
    with open("/proc/self/maps") as maps:
        paths = {line.split(maxsplit=5)[-1].strip() for line in maps if ".so" in line}
    return [path for path in paths if path.startswith("/")]


def build(shadow: str, granted: Sequence[str] = ()) -> None:
    """Replace the root of this mount namespace. Needs capabilities in it. Raises OSError.

    Args:
        shadow: an existing folder to build the new root over; what it held is not touched.
        granted: files and folders of packages that may be imported too.
    """
    bound = [library_folder(), *DEVICES, *granted]
    places = {path: os.open(path, os.O_PATH) for path in bound}
    folders = {path for path in bound if os.path.isdir(path)}
    libraries = {path: _content(path) for path in shared_libraries(granted)}
    links = _links_to(set(libraries))
    linux.mount("none", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", shadow, "tmpfs", linux.MS_NOSUID, "mode=755,size=256m")
    # copied, not bound: every execution copies the list of mounts, and a short list is what makes that fast
    for path, content in libraries.items():
        os.makedirs(os.path.dirname(shadow + path), exist_ok=True)
        with open(shadow + path, "wb") as file:
            file.write(content)
    for path, to in links.items():
        if not os.path.lexists(shadow + path):
            os.makedirs(os.path.dirname(shadow + path), exist_ok=True)
            os.symlink(to, shadow + path)
    hidden = False
    for path, place in places.items():
        if path in granted and not hidden:
            hidden = _hide_installed(shadow)
        target = shadow + path
        os.makedirs(target if path in folders else os.path.dirname(target), exist_ok=True)
        if path not in folders:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
        linux.mount(f"/proc/self/fd/{place}", target, "", linux.MS_BIND)
        os.close(place)
    if not hidden:
        _hide_installed(shadow)
    for folder in ("tmp", "scratch", "old"):
        os.makedirs(os.path.join(shadow, folder), exist_ok=True)
    os.chdir(shadow)
    linux.pivot_root(".", "old")
    os.chdir("/")
    linux.detach("/old")
    os.rmdir("/old")
    linux.make_read_only("/")


def _hide_installed(shadow: str) -> bool:
    for name in INSTALLED:
        installed = os.path.join(shadow + library_folder(), name)
        if os.path.isdir(installed):
            linux.mount("tmpfs", installed, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=4k,mode=755")
    return True


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _links_to(files: set[str]) -> dict[str, str]:
    """The other names by which the loader looks for the files: links beside them, and /lib for /usr/lib."""
    links = {path: os.readlink(path) for path in ("/lib", "/lib64") if os.path.islink(path)}
    for folder in {os.path.dirname(path) for path in files}:
        with os.scandir(folder) as entries:
            names = [entry.path for entry in entries if entry.is_symlink()]
        links.update({name: os.readlink(name) for name in names if os.path.realpath(name) in files})
    return links


def interpreter_files(granted: Sequence[str] = ()) -> list[str]:
    """All that a program may read at the `landlock` level."""
    zones = ["/usr/share/zoneinfo", "/etc/localtime"]
    return [
        *library_entries(),
        *shared_libraries(granted),
        *granted,
        *DEVICES,
        *zones,
        *[path for path in sys.path if path.endswith(".zip")],
    ]
