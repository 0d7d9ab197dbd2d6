"""The wheels of a base: which ones, from where, and unpacked.

`NAME.txt` is a requirements file in pip's own format: the whole list, each package pinned and with the hashes of its
wheels, for x86_64 and aarch64. Nothing else gets in, whatever an index, a mirror or the cache offers. pip judges
markers by the machine it runs on, and these must be judged by the engine's: `platform_machine` is read here.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from sandbox.bases import HERE
from sandbox.bases.steps import BuildFailed, Say, execute

PYTHON = "3.11"
MACHINES = ("x86_64", "aarch64")
_GLIBC = ("2014", "_2_17", "_2_27", "_2_28")
_MARKER = re.compile(r'\s*;\s*platform_machine == "(\w+)"')


def unpack(name: str, machine: str, place: Path, say: Say) -> Path:
    """Unpacks the wheels of base `name` for an architecture below `place / "scratch"`.

    Wheels that an earlier build has left in `place / "wheels" / name` are enough: then no network is used. They are
    checked again all the same, and replaced as a whole when they are not exactly what the list asks for.

    Raises:
        BuildFailed: with what to do about it.
    """
    if machine not in MACHINES:
        raise BuildFailed(f"the engine runs on {machine}; the bases are made for {' and '.join(MACHINES)}")
    scratch, cache = place / "scratch", place / "wheels" / name
    wanted = scratch / f"{name}.txt"
    requirements, indexes = read_list((HERE / f"{name}.txt").read_text(), machine)
    wanted.write_text("\n".join(requirements) + "\n")
    target = scratch / "packages"
    if cache.is_dir():
        say(f"unpacking the wheels in {cache}")
        try:
            return _install(wanted, machine, cache, target)
        except BuildFailed:
            say("they are not the ones of the list")
    _download(name, wanted, machine, indexes, cache, scratch / "wheels", say)
    say("unpacking them")
    return _install(wanted, machine, cache, target)


def read_list(text: str, machine: str) -> tuple[list[str], list[str]]:
    """The requirements for one architecture, and pip's options for indexes that it doesn't know by itself."""
    requirements, indexes = [], []
    for line in text.replace("\\\n", " ").splitlines():
        marker = _MARKER.search(line)
        if line.startswith("--extra-index-url"):
            indexes.append(line.replace(" ", "=", 1))
        elif line.strip() and not line.startswith("#") and (marker is None or marker[1] == machine):
            requirements.append(_MARKER.sub("", line))
    return requirements, indexes


def _download(name: str, wanted: Path, machine: str, indexes: list[str], cache: Path, fresh: Path, say: Say) -> None:
    say(f"downloading wheels for {name} (kept in {cache})")
    command = ["download", "--progress-bar=raw", "--require-hashes", "-r", str(wanted), "-d", str(fresh)]
    command += for_image(machine)
    advice = f"The wheels of {HERE / name}.txt could not be downloaded. Is {{}} reachable?"
    try:
        # The machine's own configuration first: a mirror may have everything.
        pip(command, advice.format("PyPI"), say)
    except BuildFailed:
        if not indexes:
            raise
        pip(command + indexes, advice.format(f"PyPI, and is what {' '.join(indexes)} names,"), say)
    shutil.rmtree(cache, ignore_errors=True)
    cache.parent.mkdir(exist_ok=True)
    fresh.rename(cache)


def _install(wanted: Path, machine: str, cache: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    from_cache = ["--no-index", "--find-links", str(cache), "--target", str(target), "--no-compile"]
    pip(
        ["install", "--quiet", "--require-hashes", "-r", str(wanted), *for_image(machine), *from_cache],
        f"The wheels in {cache} could not be unpacked.",
    )
    return target


def for_image(machine: str) -> list[str]:
    """pip's options to choose wheels for the image and not for this machine."""
    return [
        f"--python-version={PYTHON}",
        "--implementation=cp",
        *(f"--platform=manylinux{version}_{machine}" for version in _GLIBC),
        "--only-binary=:all:",
        "--no-deps",
    ]


def pip(arguments: list[str], advice: str, say: Say | None = None) -> None:
    """Runs pip. Raises BuildFailed with `advice`."""
    execute([sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments], advice, say)
