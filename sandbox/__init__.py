"""Run one untrusted container under hard limits, and say exactly what happened. A library of its own.

from sandbox import PROFILES, Program, Questions, Run, run

result = run(Program(image="my-image"), PROFILES["laptop"].on(host_cpus=2), questions, Run(id="trial"))
print(result.verdict.sentence)
"""

from sandbox.archives import Content, read_files
from sandbox.bases import CODE_ENTRYPOINT, TITLES, base_image
from sandbox.check import Finding, HostCheck, check_host, offered_runtimes
from sandbox.curve import Sample
from sandbox.errors import BadArchive, BadImage, SandboxError, SandboxUnavailable
from sandbox.leftovers import sweep
from sandbox.limits import PROFILES, FieldInfo, Limits, Profile, field_info
from sandbox.program import Program, Questions, Result, Run
from sandbox.runner import run
from sandbox.verdicts import BadOutput, Code, Contract, Observation, Verdict, size, verdict
from sandbox.volumes import pack

__all__ = [
    "CODE_ENTRYPOINT",
    "PROFILES",
    "TITLES",
    "BadArchive",
    "BadImage",
    "BadOutput",
    "Code",
    "Content",
    "Contract",
    "FieldInfo",
    "Finding",
    "HostCheck",
    "Limits",
    "Observation",
    "Profile",
    "Program",
    "Questions",
    "Result",
    "Run",
    "Sample",
    "SandboxError",
    "SandboxUnavailable",
    "Verdict",
    "base_image",
    "check_host",
    "field_info",
    "offered_runtimes",
    "pack",
    "read_files",
    "run",
    "size",
    "sweep",
    "verdict",
]
