"""Which code trained some weights: its fingerprint goes with a checkpoint, to wherever there is no git."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
PARTS = ("config.py", "data.py", "augment.py", "gather.py", "losses.py", "run.py", "train.py", "models/*.py")


def sources() -> list[Path]:
    """The files that decide what a training does."""
    return sorted(path for part in PARTS for path in HERE.glob(part))


def fingerprint() -> str:
    """SHA-256 over names and bytes of these files, as hex."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(path.relative_to(HERE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def commit(trained_by: str) -> str | None:
    """The commit that is checked out, if it holds the very code with that fingerprint; None where that isn't known."""
    if fingerprint() != trained_by:
        return None
    try:
        changed = _git("status", "--porcelain", "--", *(str(path) for path in sources()))
        return None if changed else _git("rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(HERE), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
