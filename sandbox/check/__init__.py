"""Is this host fit to run strangers' programs, and to rank their latency? Facts are gathered, then judged.

host = check_host(slots=1, cpus=4)
if not host.safe: ...
"""

from __future__ import annotations

import dataclasses
from typing import Any

import docker

from sandbox.check.facts import Finding, HostFacts, Plan
from sandbox.check.gather import gather
from sandbox.check.judge_engine import judge_engine
from sandbox.check.judge_machine import judge_machine
from sandbox.cores import parse_cores
from sandbox.engine import connect, engine_errors
from sandbox.errors import SandboxUnavailable

__all__ = ["Finding", "HostCheck", "check_host", "judge", "offered_runtimes"]

_SECONDS_TO_NAME_RUNTIMES = 2


@dataclasses.dataclass(frozen=True, slots=True)
class HostCheck:
    """What was found, in the order of a report, and the facts it was found from."""

    findings: tuple[Finding, ...]
    facts: HostFacts

    @property
    def safe(self) -> bool:
        """Nothing unsafe was found."""
        return not self.unsafe

    @property
    def unsafe(self) -> tuple[Finding, ...]:
        """Those for which a worker does not start."""
        return tuple(finding for finding in self.findings if finding.level == "unsafe")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Those that an operator should know."""
        return tuple(finding for finding in self.findings if finding.level == "warn")

    @property
    def latency_rankable(self) -> bool:
        """Latencies of the planned runs may be compared and ranked."""
        return not any(finding.spoils_latency for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready: `safe`, `latency_rankable`, `findings`, `facts`."""
        return {
            "safe": self.safe,
            "latency_rankable": self.latency_rankable,
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
            "facts": dataclasses.asdict(self.facts),
        }


def judge(facts: HostFacts, plan: Plan) -> tuple[Finding, ...]:
    """All findings, in the order of a report. A pure function."""
    return (*judge_engine(facts.engine), *judge_machine(facts, plan))


def offered_runtimes() -> tuple[str, ...]:
    """Those of runc and runsc that the engine knows; runc where no engine answers at once. Never raises."""
    try:
        with engine_errors("naming its runtimes"):
            client = docker.from_env(timeout=_SECONDS_TO_NAME_RUNTIMES)
            try:
                known = client.info().get("Runtimes") or {}
            finally:
                client.close()
    except SandboxUnavailable:
        return ("runc",)
    return ("runc", "runsc") if "runsc" in known else ("runc",)


def check_host(slots: int = 1, cpus: int = 1, cpuset: str | None = None) -> HostCheck:
    """Looks at the engine that `DOCKER_HOST` names, or the local one, and at its host.

    Args:
        slots: runs at the same time.
        cpus: exclusive cores of each.
        cpuset: cores that runs may use, such as `2-3`; all where it is None.

    Raises:
        SandboxUnavailable: no engine answers.
        ValueError: `cpuset` is no list of cores, or there is nothing to run.
    """
    if slots < 1 or cpus < 1:
        raise ValueError(f"{slots} slots of {cpus} cores: both must be 1 or more")
    plan = Plan(slots, cpus, len(parse_cores(cpuset)) if cpuset else None)
    client = connect()
    try:
        facts = gather(client)
    finally:
        client.close()
    return HostCheck(judge(facts, plan), facts)
