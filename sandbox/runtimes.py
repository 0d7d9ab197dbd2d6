"""runc and gVisor's runsc: what differs between them.

gVisor answers a program's system calls with a kernel of its own, in processes of its own. Seen with Debian's build on
Docker 20.10, cgroup v1:

- Its processes count against the container's pid limit: some 40 for itself and 5 to 8 for each process of the program,
  none for a thread. Where they reach the limit it falls over with exit code 2, or hangs while it starts.
- Files on a tmpfs are limited in bytes, not in number; each one costs memory of the container.
- The program's memory is shared memory of gVisor, some 10 MB more than under runc.
- The host can't look into its /tmp, so that a full one is not told from any other failure.
"""

from __future__ import annotations

import docker

from sandbox.engine import engine_errors
from sandbox.errors import SandboxUnavailable
from sandbox.limits import Limits

_RUNSC_OWN = 128
_RUNSC_EACH = 8


def require(client: docker.DockerClient, limits: Limits) -> None:
    """Makes sure that the engine has the runtime that the limits ask for.

    Raises:
        SandboxUnavailable: it has not, or it failed.
    """
    with engine_errors("asking for the engine's runtimes"):
        known = client.info().get("Runtimes") or {}
    if limits.runtime not in known:
        raise SandboxUnavailable(
            f"this engine has no runtime {limits.runtime!r}; docs/operators.md says how to add it, or choose another"
        )


def pids_limit(limits: Limits) -> int:
    """Processes the engine is told to allow, so that the program can have `limits.pids`."""
    if limits.runtime == "runsc":
        return _RUNSC_OWN + _RUNSC_EACH * limits.pids
    return limits.pids


def shows_mounts(limits: Limits) -> bool:
    """True where the container's own mounts can be seen from the host."""
    return limits.runtime == "runc"
