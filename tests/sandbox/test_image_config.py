"""What an image may say about itself."""

from __future__ import annotations

from typing import Any

import docker
import pytest

from sandbox import BadImage
from sandbox.bases import ROOT_IMAGE
from sandbox.image.config import MAX_ENV_BYTES, MAX_LABEL_BYTES, check_config

RUN = {"Cmd": ["/run"]}

ACCEPTED: dict[str, dict[str, Any]] = {
    "a command": RUN,
    "an entry point": {"Entrypoint": ["/run"], "Cmd": None},
    "nothing else": RUN | dict.fromkeys(("Env", "Labels", "Volumes", "WorkingDir", "OnBuild", "Healthcheck", "User")),
    "a usual image": RUN | {
        "Hostname": "", "User": "app", "Tty": False, "Env": ["PATH=/bin", "LANG=C.UTF-8", "EMPTY=", "NAKED"],
        "WorkingDir": "/app", "Volumes": {"/data": {}, "/var//lib/x/": {}, "/tmp": {}, "/dev/shm": {}},
        "Labels": {"maintainer": "Ада", "Maintainer": "x"}, "ExposedPorts": {"80/tcp": {}, "53/udp": {}, "8080": {}},
        "StopSignal": "SIGTERM", "StopTimeout": 10, "OnBuild": None, "Shell": ["/bin/bash", "-c"],
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 10**9, "Retries": 3},
    },
    "what nobody knows yet": RUN | {"Something": {"New": 1}},
    "places beside the kernel's": RUN | {"WorkingDir": "/process", "Volumes": {"/system": {}, "/devices": {}}},
    "much, and not too much": RUN | {"Env": ["X=" + "x" * (MAX_ENV_BYTES - 2)], "Labels": {"": "x" * 100_000}},
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str) -> None:
    check_config(ACCEPTED[name])


def test_who_says_what_to_run_needs_no_command() -> None:
    check_config({}, has_entry_point=True)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing to run": ({}, "neither ENTRYPOINT nor CMD"),
    "empty lists": ({"Entrypoint": [], "Cmd": []}, "neither ENTRYPOINT nor CMD"),
    "a command as text": ({"Cmd": "/run"}, "Cmd is not a list"),
    "a command of numbers": ({"Cmd": [1]}, "Cmd holds something that is not text"),
    "a command with NUL": ({"Cmd": ["a\0b"]}, "Cmd holds a NUL"),
    "a directory of half a character": (RUN | {"WorkingDir": "/\ud800"}, "half a character"),
    "a command of 300 words": ({"Cmd": ["x"] * 300}, "ENTRYPOINT and CMD has 300 parts"),
    "a command of 70 kB": ({"Cmd": ["x" * 40_000], "Entrypoint": ["x" * 30_000]}, "has 70000 bytes"),
    "variables as a mapping": (RUN | {"Env": {"A": "b"}}, "Env is not a list"),
    "variables of numbers": (RUN | {"Env": [1]}, "Env holds something"),
    "a variable without a name": (RUN | {"Env": ["=x"]}, "without a name, '=x'"),
    "an empty variable": (RUN | {"Env": [""]}, "without a name"),
    "a huge variable": (RUN | {"Env": ["X=" + "x" * MAX_ENV_BYTES]}, f"at most {MAX_ENV_BYTES} are allowed"),
    "a huge variable, in letters of four bytes": (RUN | {"Env": ["🙂" * 17_000]}, "has 68000 bytes"),
    "600 variables": (RUN | {"Env": ["A=b"] * 600}, "has 600 parts"),
    "a megabyte of labels": (RUN | {"Labels": {"a": "x" * 1_000_000}}, f"at most {MAX_LABEL_BYTES} are allowed"),
    "600 labels": (RUN | {"Labels": {str(n): "" for n in range(600)}}, "has 600 parts"),
    "labels of numbers": (RUN | {"Labels": {"a": 1}}, "LABEL holds a value that is not text"),
    "labels as a list": (RUN | {"Labels": ["a"]}, "Labels is not a mapping"),
    "volumes as a list": (RUN | {"Volumes": ["/data"]}, "Volumes is not a mapping"),
    "a volume with settings": (RUN | {"Volumes": {"/data": "rw"}}, "Volumes is not a mapping to empty mappings"),
    "a volume at the root": (RUN | {"Volumes": {"/": {}}}, "VOLUME '/' is the root"),
    "a volume that comes to the root": (RUN | {"Volumes": {"/data/..": {}}}, "is the root"),
    "a volume above the root": (RUN | {"Volumes": {"/../../..": {}}}, "is the root"),
    "a volume with two slashes": (RUN | {"Volumes": {"//data": {}}}, "does not begin with one slash"),
    "a relative volume": (RUN | {"Volumes": {"data": {}}}, "does not begin with one slash"),
    "a volume of no name": (RUN | {"Volumes": {"": {}}}, "does not begin with one slash"),
    "a volume in /proc": (RUN | {"Volumes": {"/proc": {}}}, "VOLUME '/proc' lies in a place of the kernel"),
    "a volume deep in /sys": (RUN | {"Volumes": {"/tmp/../sys/fs/cgroup": {}}}, "in a place of the kernel"),
    "a volume in /dev": (RUN | {"Volumes": {"/dev/mqueue": {}}}, "in a place of the kernel"),
    "a volume of two lines": (RUN | {"Volumes": {"/a\n/b": {}}}, "control characters"),
    "a volume of 5 kB": (RUN | {"Volumes": {"/" + "a" * 5000: {}}}, "too long"),
    "40 volumes": (RUN | {"Volumes": {f"/{n}": {} for n in range(40)}}, "VOLUME has 40 places"),
    "the way out of runc": (RUN | {"WorkingDir": "/proc/self/fd/8"}, "WORKDIR '/proc/self/fd/8' lies in a place"),
    "the way out of runc, with dots": (RUN | {"WorkingDir": "/app/../proc/self/fd/8"}, "lies in a place"),
    "the way out of runc, with slashes": (RUN | {"WorkingDir": "//proc/self/fd/8"}, "does not begin with one slash"),
    "a relative directory": (RUN | {"WorkingDir": "app"}, "does not begin with one slash"),
    "a directory of numbers": (RUN | {"WorkingDir": 7}, "WorkingDir is not text"),
    "a directory with NUL": (RUN | {"WorkingDir": "/app\0"}, "WorkingDir holds a NUL"),
    "a field in other letters": (RUN | {"volumes": {"/": {}}}, "'volumes' where 'Volumes' is meant"),
    "a field in letters that Go folds": (RUN | {"StopſIgnal": "x"}, "where 'StopSignal' is meant"),
    "a user of 300 letters": (RUN | {"User": "x" * 300}, "User is not a name"),
    "a signal with an escape": (RUN | {"StopSignal": "\x1b[2J"}, "StopSignal is not a name"),
    "a signal of numbers": (RUN | {"StopSignal": 9}, "StopSignal is not text"),
    "a timeout of text": (RUN | {"StopTimeout": "10"}, "StopTimeout is not a number"),
    "a port of letters": (RUN | {"ExposedPorts": {"http": {}}}, "EXPOSE names more than 256 ports, or what is none"),
    "all ports": (RUN | {"ExposedPorts": {str(n): {} for n in range(300)}}, "more than 256 ports"),
    "a check that is text": (RUN | {"Healthcheck": "true"}, "Healthcheck is not a mapping"),
    "a check by text": (RUN | {"Healthcheck": {"Test": "true"}}, "not a list of texts"),
    "a check with fractions": (RUN | {"Healthcheck": {"Interval": 0.5}}, "not a whole number"),
    "a huge check": (RUN | {"Healthcheck": {"Test": ["x" * 70_000]}}, "HEALTHCHECK has 70000 bytes"),
    "triggers of 200 lines": (RUN | {"OnBuild": ["RUN true"] * 200}, "ONBUILD has 200 parts"),
    "a trigger of 70 kB": (RUN | {"OnBuild": ["x" * 70_000]}, "ONBUILD has 70000 bytes"),
    "a shell of numbers": (RUN | {"Shell": [1]}, "Shell holds something"),
    "a huge host name": (RUN | {"Hostname": "x" * 5000}, "Hostname is not a name"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    config, says = REFUSED[name]
    with pytest.raises(BadImage) as found:
        check_config(config)
    assert says in str(found.value)
    assert found.value.remedy
    assert len(str(found.value)) < 400


@pytest.mark.docker
def test_it_reads_what_the_engine_says_of_an_image(engine: docker.DockerClient) -> None:
    """Of an image that never was an archive here; absent fields are None."""
    name = "parakh-test/described:latest"
    made = engine.containers.create(ROOT_IMAGE, ["/true"])
    try:
        made.commit(*name.split(":"), conf={"Cmd": ["/true"], "Volumes": {"/proc/x": {}}, "User": "root"})
        with pytest.raises(BadImage, match="VOLUME '/proc/x'"):
            check_config(engine.images.get(name).attrs["Config"])
        engine.images.remove(name)
        made.commit(*name.split(":"), conf={"Cmd": ["/true"], "Labels": {"a": "b"}, "WorkingDir": "/srv"})
        check_config(engine.images.get(name).attrs["Config"])
    finally:
        made.remove()
        engine.images.remove(name, force=True)
