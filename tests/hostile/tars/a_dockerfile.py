"""Is a Dockerfile.

expect = "IMAGE_REJECTED"
says = "is not a tar"
"""

from pathlib import Path


def make(path: Path) -> None:
    path.write_text("FROM debian\nRUN rm -rf /\n" * 50)
