"""The system calls a program under judgement may make: a list of what is allowed, as a seccomp filter.

What is covered: everything that is not listed fails with EPERM, so new calls of newer kernels, 32-bit and x32
calls, io_uring, ptrace, mount, keyrings, bpf, sockets other than a pair of connected streams, memory files and
SysV shared memory are refused. No new process can be made (threads can), nothing can be executed, and signals
reach only the process itself. Where the process has no file system of its own, the mode and the times of files
cannot be changed either, which Landlock does not rule.
What is not covered: faults of the kernel in the calls that are allowed, and the content of files, which mounts
and Landlock bound. The numbers for aarch64 were compared with the kernel's headers and never run.
"""

from __future__ import annotations

import ctypes
import os
import struct

from selfplay.verifiers.sandbox.kernel import linux
from selfplay.verifiers.sandbox.kernel.linux import Step, call, walk

# name=number, for the calls that are allowed whatever their arguments
X86_64 = """
read=0 write=1 close=3 fstat=5 lseek=8 mmap=9 mprotect=10 munmap=11 brk=12 rt_sigaction=13
rt_sigprocmask=14 rt_sigreturn=15 rt_sigtimedwait=128 rt_sigpending=127 rt_sigsuspend=130 pread64=17
pwrite64=18 readv=19 writev=20 preadv=295 pwritev=296 preadv2=327 pwritev2=328 sched_yield=24 mremap=25
msync=26 madvise=28 mincore=27 dup=32 dup3=292 nanosleep=35 getitimer=36 setitimer=38 getpid=39 sendmsg=46
recvmsg=47 sendto=44 recvfrom=45 sendmmsg=307 recvmmsg=299 shutdown=48 exit=60 exit_group=231 uname=63
flock=73 fsync=74 fdatasync=75 truncate=76 ftruncate=77 getcwd=79 chdir=80 fchdir=81 fchmod=91
fchmodat=268 utimensat=280 mkdirat=258 unlinkat=263 renameat=264 renameat2=316 linkat=265 symlinkat=266
readlinkat=267 faccessat=269 faccessat2=439 openat=257 openat2=437 newfstatat=262 statx=332 statfs=137
fstatfs=138 getdents64=217 getuid=102 getgid=104 geteuid=107 getegid=108 getppid=110 getpgid=121
getsid=124 getresuid=118 getresgid=120 getgroups=115 getrlimit=97 getrusage=98 times=100 sysinfo=99
gettimeofday=96 clock_gettime=228 clock_getres=229 clock_nanosleep=230 gettid=186 futex=202
futex_waitv=449 set_robust_list=273 get_robust_list=274 set_tid_address=218 sched_getaffinity=204
sched_getparam=143 sched_getscheduler=145 sched_get_priority_max=146 sched_get_priority_min=147 getcpu=309
epoll_create1=291 epoll_ctl=233 epoll_pwait=281 epoll_pwait2=441 ppoll=271 pselect6=270 eventfd2=290
timerfd_create=283 timerfd_settime=286 timerfd_gettime=287 pipe2=293 getsockopt=55
getsockname=51 getpeername=52 getrandom=318 membarrier=324 rseq=334 close_range=436 copy_file_range=326
sendfile=40 sigaltstack=131 restart_syscall=219 umask=95 fadvise64=221 fallocate=285 getpriority=140
timer_create=222 timer_settime=223 timer_gettime=224 timer_delete=226 timer_getoverrun=225 capget=125
signalfd4=289 open=2 stat=4 lstat=6 access=21 pipe=22 select=23 poll=7 dup2=33 getpgrp=111 rename=82
mkdir=83 rmdir=84 creat=85 link=86 unlink=87 symlink=88 readlink=89 chmod=90 utime=132 utimes=235 time=201
epoll_create=213 epoll_wait=232 eventfd=284 getdents=78 arch_prctl=158 pause=34 alarm=37 signalfd=282
"""
AARCH64 = """
read=63 write=64 close=57 fstat=80 lseek=62 mmap=222 mprotect=226 munmap=215 brk=214 rt_sigaction=134
rt_sigprocmask=135 rt_sigreturn=139 rt_sigtimedwait=137 rt_sigpending=136 rt_sigsuspend=133 pread64=67
pwrite64=68 readv=65 writev=66 preadv=69 pwritev=70 preadv2=286 pwritev2=287 sched_yield=124 mremap=216
msync=227 madvise=233 mincore=232 dup=23 dup3=24 nanosleep=101 getitimer=102 setitimer=103 getpid=172
sendmsg=211 recvmsg=212 sendto=206 recvfrom=207 sendmmsg=269 recvmmsg=243 shutdown=210 exit=93
exit_group=94 uname=160 flock=32 fsync=82 fdatasync=83 truncate=45 ftruncate=46 getcwd=17 chdir=49
fchdir=50 fchmod=52 fchmodat=53 utimensat=88 mkdirat=34 unlinkat=35 renameat=38 renameat2=276 linkat=37
symlinkat=36 readlinkat=78 faccessat=48 faccessat2=439 openat=56 openat2=437 newfstatat=79 statx=291
statfs=43 fstatfs=44 getdents64=61 getuid=174 getgid=176 geteuid=175 getegid=177 getppid=173 getpgid=155
getsid=156 getresuid=148 getresgid=150 getgroups=158 getrlimit=163 getrusage=165 times=153 sysinfo=179
gettimeofday=169 clock_gettime=113 clock_getres=114 clock_nanosleep=115 gettid=178 futex=98
futex_waitv=449 set_robust_list=99 get_robust_list=100 set_tid_address=96 sched_getaffinity=123
sched_getparam=121 sched_getscheduler=120 sched_get_priority_max=125 sched_get_priority_min=126 getcpu=168
epoll_create1=20 epoll_ctl=21 epoll_pwait=22 epoll_pwait2=441 ppoll=73 pselect6=72 eventfd2=19
timerfd_create=85 timerfd_settime=86 timerfd_gettime=87 pipe2=59 getsockopt=209
getsockname=204 getpeername=205 getrandom=278 membarrier=283 rseq=293 close_range=436 copy_file_range=285
sendfile=71 sigaltstack=132 restart_syscall=128 umask=166 fadvise64=223 fallocate=47 getpriority=141
timer_create=107 timer_settime=110 timer_gettime=108 timer_delete=111 timer_getoverrun=109 capget=90
signalfd4=74
"""


def _table(text: str) -> dict[str, int]:
    return {name: int(number) for name, number in (entry.split("=") for entry in text.split())}


ALLOWED = {"x86_64": _table(X86_64), "aarch64": _table(AARCH64)}

# the calls that are allowed with some arguments only
GUARDED = {
    "x86_64": _table("clone=56 ioctl=16 fcntl=72 kill=62 tgkill=234 prlimit64=302 socketpair=53"),
    "aarch64": _table("clone=220 ioctl=29 fcntl=25 kill=129 tgkill=131 prlimit64=261 socketpair=199"),
}
CLONE3 = 435
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT = 0x40000000

CLONE_THREAD = 0x00010000
AF_UNIX, SOCK_STREAM = 1, 1
SOCKET_FLAGS = (0, 0o4000, 0o2000000, 0o2004000)  # SOCK_NONBLOCK, SOCK_CLOEXEC
FILE_METADATA = frozenset(["chmod", "fchmod", "fchmodat", "utime", "utimes", "utimensat"])
# TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
TERMINAL_QUESTIONS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, locks, F_DUPFD_CLOEXEC, F_GETPIPE_SZ;
# not F_SETOWN, which sends signals
DESCRIPTOR_QUESTIONS = (0, 1, 2, 3, 4, 5, 6, 7, 1030, 1032)

EPERM, ENOSYS = 1, 38
SET_MODE_FILTER = 1
RETURN_ALLOW, RETURN_ERRNO = 0x7FFF0000, 0x00050000
LOAD, JUMP_EQUAL, JUMP_GREATER, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16


def _step(code: int, value: int, when_true: int = 0, when_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, when_true, when_false, value)


ALLOW = _step(RETURN, RETURN_ALLOW)
DENY = _step(RETURN, RETURN_ERRNO | EPERM)


def _argument(index: int, high: bool = False) -> bytes:
    return _step(LOAD, ARGUMENTS_AT + 8 * index + (4 if high else 0))


def _one_of(index: int, values: tuple[int, ...]) -> bytes:
    """Allow when the low word of an argument is one of the values (the kernel reads these as 32 bits)."""
    steps = _argument(index)
    for place, value in enumerate(values):
        steps += _step(JUMP_EQUAL, value, len(values) - place, 0)
    return steps + DENY + ALLOW


def _guards(own_pid: int) -> dict[str, bytes]:
    return {
        "clone": _argument(0) + _step(JUMP_ANY_BIT, CLONE_THREAD, 1, 0) + DENY + ALLOW,
        "ioctl": _one_of(1, TERMINAL_QUESTIONS),
        "fcntl": _one_of(1, DESCRIPTOR_QUESTIONS),
        "kill": _one_of(0, (own_pid,)),
        "tgkill": _one_of(0, (own_pid,)),
        "prlimit64": _argument(2) + _step(JUMP_EQUAL, 0, 1, 0) + DENY + _argument(2, high=True)
        + _step(JUMP_EQUAL, 0, 1, 0) + DENY + ALLOW,
        # a pair of datagram sockets could send to any other that has a name
        "socketpair": _argument(0) + _step(JUMP_EQUAL, AF_UNIX, 1, 0) + DENY
        + _one_of(1, tuple(SOCK_STREAM | flags for flags in SOCKET_FLAGS)),
    }  # fmt: skip


def build(own_pid: int, own_files: bool = False) -> bytes:
    """The filter as BPF for this machine.

    Args:
        own_pid: the id of the process, as it sees it itself.
        own_files: whether all files that it can name are its own, so that it may change their mode and times.

    Raises:
        KeyError: no table for this machine; see `linux.available`.
    """
    guarded = GUARDED[linux.machine]
    refused = frozenset() if own_files else FILE_METADATA
    allowed = sorted(number for name, number in ALLOWED[linux.machine].items() if name not in refused)
    program = _step(LOAD, ARCHITECTURE_AT) + _step(JUMP_EQUAL, AUDIT_ARCH[linux.machine], 1, 0) + DENY
    program += _step(LOAD, NUMBER_AT) + _step(JUMP_AT_LEAST, X32_BIT, 0, 1) + DENY
    # glibc falls back to clone when clone3, whose flags a filter cannot read, does not exist
    program += _step(JUMP_EQUAL, CLONE3, 0, 1) + _step(RETURN, RETURN_ERRNO | ENOSYS)
    for name, body in _guards(own_pid).items():
        program += _step(JUMP_EQUAL, guarded[name], 0, len(body) // 8) + body
    for low, high in _ranges(allowed):
        program += _step(JUMP_GREATER, high, 3, 0) + _step(JUMP_AT_LEAST, low, 0, 1) + ALLOW + DENY
    return program + DENY


def _ranges(numbers: list[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges


class _Filter(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def step(program: bytes) -> Step:
    """Put the filter on this thread; there is no way back. Needs no_new_privs."""
    return call("seccomp", SET_MODE_FILTER, 0, _Filter(len(program) // 8, program))


def step_for_own_pid() -> Step:
    """The same where the process id, which is part of the filter, is not known before the process is there."""
    return lambda: walk([step(build(os.getpid()))]), (), "seccomp"
