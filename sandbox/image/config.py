"""What an image may say about itself: the `Config` of its description (ENV, ENTRYPOINT, VOLUME, WORKDIR …).

Most of it is overridden when the container is made. Refused here is what would disturb the engine or a wall of ours
before it is: values of another type than the engine expects, values without measure, mounts over the kernel's own
places, a WORKDIR inside /proc.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.errors import BadImage, shown

MAX_ENV_ENTRIES, MAX_ENV_BYTES = 512, 64 * 1024
MAX_COMMAND_ENTRIES, MAX_COMMAND_BYTES = 256, 64 * 1024
MAX_LABELS, MAX_LABEL_BYTES = 512, 128 * 1024
MAX_VOLUMES, MAX_PORTS, MAX_ON_BUILD = 32, 256, 128
MAX_PATH_BYTES, MAX_WORD_BYTES = 4095, 256

LOADER_VARIABLES = ("LD_", "GLIBC_TUNABLES", "GCONV_PATH")
"""What ENV may not set: the loader obeys it before anything of ours runs. Beginnings of names."""

_LISTS = ("Env", "Entrypoint", "Cmd", "OnBuild", "Shell")
_MAPPINGS = ("Labels", "Volumes", "ExposedPorts", "Healthcheck")
_TEXTS = ("WorkingDir", "User", "StopSignal", "Hostname", "Domainname", "Image", "MacAddress")
_OTHERS = (
    "AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce", "ArgsEscaped", "NetworkDisabled",
    "StopTimeout",
)  # fmt: skip
_CONFIG = frozenset((*_LISTS, *_MAPPINGS, *_TEXTS, *_OTHERS))
_HEALTHCHECK = frozenset(("Test", "Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"))

KERNELS_OWN = ("/proc", "/sys", "/dev")
SHARED_MEMORY = "/dev/shm"  # noqa: S108  (the container's own)
_PORT = re.compile(r"\d{1,5}(-\d{1,5})?(/(tcp|udp|sctp))?", re.ASCII | re.IGNORECASE)
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def check_config(config: Mapping[str, Any], *, has_entry_point: bool = False) -> None:
    """Checks the `Config` of an image, as the archive or the engine (`attrs["Config"]`) gives it.

    Args:
        config: absent fields may be missing or None.
        has_entry_point: the caller says what to run; the image need not.

    Raises:
        BadImage: what is wrong with it, naming the instruction, and the remedy.
    """
    check_names(config, _CONFIG, "its config")
    _check_types(config)
    _check_command(config, has_entry_point)
    _check_environment(config.get("Env") or [])
    _check_labels(config.get("Labels") or {})
    _check_volumes(config.get("Volumes") or {})
    _check_working_dir(config.get("WorkingDir") or "")
    _check_the_rest(config)


def check_names(found: Mapping[str, Any], known: Iterable[str], entry: str) -> None:
    """Names as the engine spells them. It would also take `volumes` for `Volumes`, and the last of several; then what
    is checked here is not what it reads.

    Raises:
        BadImage: one is a known name in other letters.
    """
    folded = {name.casefold(): name for name in known}
    for name in found:
        wanted = folded.get(name.casefold(), name) if isinstance(name, str) else "text"
        if wanted != name:
            raise BadImage(f"says {shown(name)} where {wanted!r} is meant", entry=entry, remedy=_BUILD_AGAIN)


_BUILD_AGAIN = "build the image again with `docker build`"


def _check_types(config: Mapping[str, Any]) -> None:
    kinds = (
        (_LISTS, list, "a list"), (_MAPPINGS, Mapping, "a mapping"), (_TEXTS, str, "text"), (_OTHERS, int, "a number")
    )  # fmt: skip
    for names, kind, wanted in kinds:
        for name in names:
            value = config.get(name)
            if value is not None and not isinstance(value, kind):
                raise BadImage(f"is not {wanted}", entry=name, remedy=_BUILD_AGAIN)
            texts = value if isinstance(value, list | Mapping) else [value if isinstance(value, str) else ""]
            if not all(isinstance(text, str) for text in texts):
                raise BadImage("holds something that is not text", entry=name, remedy=_BUILD_AGAIN)
            if any("\0" in text or _LONE_SURROGATE.search(text) for text in texts):
                raise BadImage("holds a NUL, or half a character", entry=name, remedy=_BUILD_AGAIN)
    for name in ("Volumes", "ExposedPorts"):
        if not all(isinstance(value, Mapping | None) for value in (config.get(name) or {}).values()):
            raise BadImage("is not a mapping to empty mappings", entry=name, remedy=_BUILD_AGAIN)


def _check_command(config: Mapping[str, Any], has_entry_point: bool) -> None:
    words = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
    remedy = "put the long part into a script inside the image"
    _measure("its ENTRYPOINT and CMD", words, MAX_COMMAND_ENTRIES, MAX_COMMAND_BYTES, remedy)
    if not words and not has_entry_point:
        raise BadImage("has neither ENTRYPOINT nor CMD", entry="the image", remedy="say in its Dockerfile what to run")


def _check_environment(entries: list[str]) -> None:
    remedy = "put long values into a file inside the image"
    _measure("its ENV", entries, MAX_ENV_ENTRIES, MAX_ENV_BYTES, remedy)
    for entry in entries:
        if not entry or entry.startswith("="):
            raise BadImage(f"has a variable without a name, {shown(entry)}", entry="ENV", remedy="give it one")


def _check_labels(labels: Mapping[str, str]) -> None:
    if not all(isinstance(value, str) for value in labels.values()):
        raise BadImage("holds a value that is not text", entry="LABEL", remedy=_BUILD_AGAIN)
    texts = [f"{name}={value}" for name, value in labels.items()]
    _measure("its LABELs", texts, MAX_LABELS, MAX_LABEL_BYTES, "remove those it does not need")


def _check_volumes(volumes: Mapping[str, Any]) -> None:
    if len(volumes) > MAX_VOLUMES:
        raise BadImage(f"has {len(volumes)} places; at most {MAX_VOLUMES} are allowed", entry="VOLUME", remedy=_DROP)
    for path in volumes:
        place = _normal(path, "VOLUME")
        if place == "/":
            raise BadImage("is the root of the image", entry=f"VOLUME {shown(path)}", remedy=_DROP)
        if _kernels_own(place) and place != SHARED_MEMORY:
            raise BadImage("lies in a place of the kernel", entry=f"VOLUME {shown(path)}", remedy=_DROP)


_DROP = "remove the VOLUME line; /tmp is writable without one"


def _check_working_dir(path: str) -> None:
    if path and _kernels_own(_normal(path, "WORKDIR")):
        # CVE-2024-21626: /proc/self/fd/8 was a way out to the host.
        remedy = "choose a directory of the image, e.g. /app"
        raise BadImage("lies in a place of the kernel", entry=f"WORKDIR {shown(path)}", remedy=remedy)


def _check_the_rest(config: Mapping[str, Any]) -> None:
    for name in ("User", "StopSignal", "Hostname", "Domainname", "MacAddress"):
        value = config.get(name) or ""
        if len(value.encode(errors="replace")) > MAX_WORD_BYTES or _CONTROL.search(value):
            raise BadImage(f"is not a name: {shown(value)}", entry=name, remedy=_BUILD_AGAIN)
    ports = config.get("ExposedPorts") or {}
    if len(ports) > MAX_PORTS or not all(_PORT.fullmatch(port) for port in ports):
        remedy = "remove the EXPOSE lines; there is no network"
        raise BadImage(f"names more than {MAX_PORTS} ports, or what is none", entry="EXPOSE", remedy=remedy)
    for name in ("OnBuild", "Shell"):
        texts = config.get(name) or []
        _measure(f"its {name.upper()}", texts, MAX_ON_BUILD, MAX_COMMAND_BYTES, "remove it; nothing is built from it")
    _check_healthcheck(config.get("Healthcheck") or {})


def _check_healthcheck(check: Mapping[str, Any]) -> None:
    """It never runs; yet the engine must be able to read it."""
    check_names(check, _HEALTHCHECK, "HEALTHCHECK")
    test = check.get("Test") or []
    numbers = [value for name, value in check.items() if name in _HEALTHCHECK - {"Test"}]
    if not isinstance(test, list) or not all(isinstance(word, str) for word in test):
        raise BadImage("has a test that is not a list of texts", entry="HEALTHCHECK", remedy=_BUILD_AGAIN)
    if not all(isinstance(number, int | None) for number in numbers):
        raise BadImage("has a time that is not a whole number", entry="HEALTHCHECK", remedy=_BUILD_AGAIN)
    remedy = "remove it; it is never run"
    _measure("its HEALTHCHECK", test, MAX_COMMAND_ENTRIES, MAX_COMMAND_BYTES, remedy)


def _measure(entry: str, texts: list[str], most_entries: int, most_bytes: int, remedy: str) -> None:
    count, length = len(texts), sum(len(text.encode(errors="replace")) for text in texts)
    if count > most_entries:
        raise BadImage(f"has {count} parts; at most {most_entries} are allowed", entry=entry, remedy=remedy)
    if length > most_bytes:
        raise BadImage(f"has {length} bytes; at most {most_bytes} are allowed", entry=entry, remedy=remedy)


def _normal(path: str, instruction: str) -> str:
    """The path as the engine cleans it. Of two slashes at the beginning Python keeps both, and the engine one: refused,
    or a mount meant for the one place would not cover the other."""
    entry = f"{instruction} {shown(path)}"
    if not path.startswith("/") or path.startswith("//"):
        raise BadImage("does not begin with one slash", entry=entry, remedy="begin it with /")
    if len(path.encode(errors="replace")) > MAX_PATH_BYTES or _CONTROL.search(path):
        raise BadImage("is too long, or has control characters", entry=entry, remedy="choose a plain name")
    return posixpath.normpath(path)


def _kernels_own(place: str) -> bool:
    return any(place == own or place.startswith(f"{own}/") for own in KERNELS_OWN)
