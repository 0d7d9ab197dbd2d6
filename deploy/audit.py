"""Asks whether a pinned package has a known vulnerability:  python deploy/audit.py [pip-audit's own options]

Exit status 1 if one has; where no advisory service answers, it says so in one line and ends with 0, so that work goes
on without a network. PIP_AUDIT_OSV_URL names a mirror.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

LISTS = ("requirements.txt", "requirements-dev.txt")

SERVICES = ("osv", "pypi")
"""Asked one after the other, until one answers: the first knows more."""

SECONDS = 600
"""For one service; it asks about each package by itself."""


class Unasked(Exception):
    """The service does not answer; the message says how that looks."""


def main(options: list[str], services: tuple[str, ...] = SERVICES) -> int:
    """Prints what was found; returns the exit status."""
    reasons = []
    for service in services:
        try:
            found = ask(service, options)
        except Unasked as why:
            reasons.append(f"{service}: {why}")
            continue
        audited = [one for one in found if "skip_reason" not in one]
        if audited:
            return told(found, audited, service)
        reasons.append(f"{service}: knows none of the packages")
    print(f"pip-audit: NOTHING WAS AUDITED, no advisory service answers ({'; '.join(reasons)})")
    return 0


def ask(service: str, options: list[str]) -> list[dict[str, Any]]:
    """What pip-audit says of each package.

    Raises:
        Unasked: the service can't be reached.
        SystemExit: pip-audit failed for another reason, such as a list it can't read.
    """
    lists = [word for name in LISTS for word in ("-r", str(ROOT / name))]
    command = [sys.executable, "-m", "pip_audit", *lists, "--no-deps", "--disable-pip", "-s", service, "-f", "json"]
    try:
        done = subprocess.run(
            [*command, "--progress-spinner", "off", *options],
            capture_output=True, text=True, check=False, timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Unasked(f"no answer within {SECONDS} s") from None
    if done.stdout:
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
        return dependencies
    last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    kind = re.search(r"\w*(?:ConnectionError|ConnectTimeout|ReadTimeout|SSLError|ProxyError|ServiceError)\b", last)
    if kind is None:
        raise SystemExit(f"pip-audit failed with status {done.returncode}: {last}")
    raise Unasked(kind[0])


def told(found: list[dict[str, Any]], audited: list[dict[str, Any]], service: str) -> int:
    """Prints the verdict; 1 if anything is vulnerable."""
    bad = [(one, vulnerability) for one in audited for vulnerability in one["vulns"]]
    for one, vulnerability in bad:
        fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
        print(f"pip-audit: {one['name']} {one['version']} has {vulnerability['id']}; mended in {fixed}")
    skipped = [one["name"] for one in found if "skip_reason" in one]
    if skipped:
        print(f"pip-audit: {service} could not say about {', '.join(skipped)}")
    print(f"pip-audit: {len(audited)} packages asked about at {service}, {len(bad)} vulnerabilities")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
