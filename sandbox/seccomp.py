"""The system calls a model may make; every other one is refused with EPERM.

The engine's own profile lets a program do what no model needs (keyrings, message queues, `splice`, sockets of any
family, `ptrace` on newer kernels …), and each of those has had its hole in the kernel. So this list allows, by theme,
what interpreters, allocators and numerical libraries use, and nothing else. Names a kernel or an engine does not know
are skipped by the runtime. What the kernel counts for all runs of a host together (inotify instances, message queues)
is left out too: one run could use it up for the others.
"""

from __future__ import annotations

import json
from typing import Any

_FILES = """
    access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
    fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fstat
    fstatfs fsync ftruncate futimesat getcwd getdents getdents64 getxattr ioctl lchown lgetxattr link linkat
    listxattr llistxattr lseek lstat memfd_create mkdir mkdirat newfstatat open openat openat2 pread64 preadv
    preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv rename renameat renameat2 rmdir
    sendfile stat statfs statx symlink symlinkat sync_file_range truncate umask unlink unlinkat utime utimensat
    utimes write writev
"""
_MEMORY = """
    brk get_mempolicy madvise mbind membarrier mincore mlock mlock2 mlockall mmap mprotect mremap msync munlock
    munlockall munmap pkey_alloc pkey_free pkey_mprotect set_mempolicy shmat shmctl shmdt shmget
"""
_PROCESSES = """
    arch_prctl capget execve execveat exit exit_group fork getcpu getegid geteuid getgid getgroups getpgid getpgrp
    getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid gettid getuid kill pidfd_open
    pidfd_send_signal prctl prlimit64 riscv_hwprobe rseq sched_get_priority_max sched_get_priority_min
    sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity
    sched_yield set_robust_list get_robust_list set_tid_address setpgid setpriority setrlimit setsid sysinfo tgkill
    times tkill uname vfork wait4 waitid
"""
_SIGNALS_AND_TIME = """
    alarm clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep pause restart_syscall
    rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
    rt_tgsigqueueinfo setitimer sigaltstack signalfd signalfd4 time timer_create timer_delete timer_getoverrun
    timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime
"""
_WAITING = """
    epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 futex
    futex_requeue futex_wait futex_waitv futex_wake getrandom pipe pipe2 poll ppoll pselect6 select semctl semget
    semop semtimedop
"""
_SOCKETS = """
    accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg sendmmsg sendmsg
    sendto setsockopt shutdown socketpair
"""
"""There is no network; pools of processes and event loops talk to themselves through local sockets."""

_EPERM, _ENOSYS = 1, 38
_SOCKETS_BY_FAMILY = {1: (0,), 2: (0, 6, 17), 10: (0, 6, 17)}
"""AF_UNIX, AF_INET and AF_INET6, with the protocols IP, TCP and UDP. No AF_NETLINK, AF_PACKET, AF_ALG, AF_VSOCK; and no
SCTP, DCCP and the like, whose modules the kernel would load for anybody who asks."""
_SOCKET_TYPES = (1, 2)
"""Of the low four bits: SOCK_STREAM and SOCK_DGRAM."""
_NEW_NAMESPACES = 0x7E020000
"""Of clone's flags: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""
_PERSONALITIES = (0x0, 0xFFFFFFFF)
"""The ordinary one, and the question which it is."""


def profile() -> str:
    """The profile as JSON, as the engine's `seccomp=` security option takes it."""
    everyday = " ".join((_FILES, _MEMORY, _PROCESSES, _SIGNALS_AND_TIME, _WAITING, _SOCKETS)).split()
    return json.dumps(
        {
            "defaultAction": "SCMP_ACT_ERRNO",
            "defaultErrnoRet": _EPERM,
            # No 32-bit calls: the same kernel has other, less travelled ways in there.
            "archMap": [
                {"architecture": f"SCMP_ARCH_{name}", "subArchitectures": []} for name in ("X86_64", "AARCH64")
            ],
            "syscalls": [
                {"names": sorted(everyday), "action": "SCMP_ACT_ALLOW"},
                *(
                    _allow("socket", _equals(0, family), _masked(1, 0xF, kind), _equals(2, protocol))
                    for family, protocols in _SOCKETS_BY_FAMILY.items()
                    for kind in _SOCKET_TYPES
                    for protocol in protocols
                ),
                *(_allow("personality", _equals(0, which)) for which in _PERSONALITIES),
                _allow("clone", _masked(0, _NEW_NAMESPACES, 0)),
                # Its flags lie in memory, where no filter can read them; told that it does not exist, libraries
                # use clone.
                {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS},
            ],
        }
    )


def _allow(name: str, *arguments: dict[str, Any]) -> dict[str, Any]:
    """Allows a call if all of these hold of its arguments."""
    return {"names": [name], "action": "SCMP_ACT_ALLOW", "args": list(arguments)}


def _equals(index: int, value: int) -> dict[str, Any]:
    return {"index": index, "value": value, "valueTwo": 0, "op": "SCMP_CMP_EQ"}


def _masked(index: int, mask: int, value: int) -> dict[str, Any]:
    """The argument's bits under the mask are those of `value`."""
    return {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}
