"""Limits are checked where they are set, and survive a snapshot."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import PROFILES, Limits, field_info
from sandbox.options import add_limit_options, limits_from
from sandbox.units import parse_size

NAMES = [field.name for field in dataclasses.fields(Limits)]
NUMBERS = [name for name in NAMES if field_info(name).unit != "name"]


@pytest.mark.parametrize("name", NUMBERS)
def test_each_number_has_a_label_and_bounds_that_hold(name: str) -> None:
    info = field_info(name)
    assert info.label
    assert info.minimum < info.maximum
    whole = Limits.__dataclass_fields__[name].type == "int"
    room: dict[str, Any] = {"cpu_quota": 0.05} if name == "cpus" else {"cpus": 256}
    for good in (info.minimum, info.maximum):
        value = int(good) if whole else good
        assert getattr(Limits(**(room | {name: value})), name) == value
    for bad in (info.minimum - 1, info.maximum + 1):
        with pytest.raises(ValueError, match=rf"{name} is .*; it must lie between"):
            Limits(**{name: int(bad)})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["1", None, True, [], math.nan, math.inf, -math.inf, 1j])
@pytest.mark.parametrize("name", ["memory_bytes", "total_seconds", "cpu_quota", "gpus"])
def test_what_is_no_number_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        Limits(**{name: value})


def test_an_integer_field_takes_no_fraction_and_a_fraction_field_takes_an_integer() -> None:
    with pytest.raises(ValueError, match="memory_bytes"):
        Limits(memory_bytes=1e9)  # type: ignore[arg-type]
    assert Limits(total_seconds=60).total_seconds == 60


def test_a_quota_above_the_cores_is_refused() -> None:
    with pytest.raises(ValueError, match=r"cpu_quota is 2 on 1 cores"):
        Limits(cpus=1, cpu_quota=2.0)


@pytest.mark.parametrize("runtime", ["crun", "", None, 1])
def test_an_unknown_runtime_is_refused(runtime: Any) -> None:
    with pytest.raises(ValueError, match="runtime is"):
        Limits(runtime=runtime)


@given(
    st.builds(
        Limits,
        memory_bytes=st.integers(32 * 1024**2, 256 * 1024**3),
        cpus=st.integers(1, 256),
        cpu_quota=st.floats(0.05, 1),
        total_seconds=st.floats(0.1, 86400),
        runtime=st.sampled_from(["runc", "runsc"]),
    )
)
def test_a_snapshot_reads_back_as_it_was(limits: Limits) -> None:
    assert Limits.from_dict(json.loads(json.dumps(limits.as_dict()))) == limits


def test_a_snapshot_with_an_unknown_field_is_refused_and_a_missing_one_is_the_default() -> None:
    with pytest.raises(ValueError, match="unknown limit 'memory'; known are archive_files, "):
        Limits.from_dict({"memory": 1})
    assert Limits.from_dict({"pids": 7}) == Limits(pids=7)


def test_limits_cannot_be_changed_and_a_changed_copy_is_checked() -> None:
    limits = Limits()
    with pytest.raises(dataclasses.FrozenInstanceError):
        limits.pids = 5  # type: ignore[misc]
    with pytest.raises(ValueError, match="pids"):
        limits.replace(pids=1)


@pytest.mark.parametrize("host_cpus", [1, 2, 4, 64])
@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_fits_any_host(name: str, host_cpus: int) -> None:
    limits = PROFILES[name].on(host_cpus)
    assert limits.cpus == min(host_cpus, PROFILES[name].wanted_cpus)
    assert limits.cpu_quota <= limits.cpus
    assert limits.memory_bytes == PROFILES[name].limits.memory_bytes


def test_the_raspberry_pi_has_four_threads_and_one_cpu() -> None:
    limits = PROFILES["raspberry-pi-3b"].on(2)
    assert (limits.memory_bytes, limits.cpus, limits.cpu_quota) == (1024**3, 2, 1.0)
    assert limits.effective_threads == 4
    assert Limits(cpus=3, cpu_quota=3).effective_threads == 3


@pytest.mark.parametrize(
    ("text", "count"),
    [("1g", 1024**3), ("1G", 1024**3), ("1.5GiB", 3 * 1024**3 // 2), ("512m", 512 * 1024**2), ("64k", 65536),
     ("64 KB", 65536), (" 7 ", 7), ("7b", 7), ("0", 0)],
)  # fmt: skip
def test_sizes_as_people_write_them(text: str, count: int) -> None:
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["", "g", "-1g", "1t", "1e9", "1,5g", "0x10", "1 g g", "nan", "inf", "१", "1\n2"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{text!r} is not a size")):
        parse_size(text)


def parsed(*arguments: str) -> Limits:
    parser = argparse.ArgumentParser()
    add_limit_options(parser)
    return limits_from(parser.parse_args(arguments))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {"memory_bytes": 1024**3, "cpu_quota": 1.0}),
        (["--profile", "laptop"], {"memory_bytes": 4 * 1024**3, "pids": 512}),
        (["--memory", "512m", "--pids", "9"], {"memory_bytes": 512 * 1024**2, "pids": 9}),
        (["--cpus", "0.5"], {"cpus": 1, "cpu_quota": 0.5, "threads": 0}),
        (["--cpus", "1.5"], {"cpus": 2, "cpu_quota": 1.5}),
        (["--cpus", "2"], {"cpus": 2, "cpu_quota": 2.0}),
        (["--time", "5", "--start-time", "1", "--image-time", "0.5", "--cpu-time", "4"],
         {"total_seconds": 5, "start_seconds": 1, "image_seconds": 0.5, "cpu_seconds": 4}),
    ],
)  # fmt: skip
def test_options_change_what_they_name(arguments: list[str], expected: dict[str, float]) -> None:
    found = parsed(*arguments).as_dict()
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--memory", "lots"], "is not a size; write it like 512m or 1g"), (["--profile", "phone"], "invalid choice"),
     (["--pids", "many"], "invalid int")],
)  # fmt: skip
def test_a_wrong_option_says_what_would_be_right(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed(*arguments)
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--memory", "1k"], ["--cpus", "0"], ["--time", "-1"], ["--pids", "0"]])
def test_an_option_out_of_bounds_is_refused_with_the_bounds(arguments: list[str]) -> None:
    with pytest.raises(ValueError, match="it must lie between"):
        parsed(*arguments)


def test_all_limits_of_a_phase_come_from_a_file_and_can_be_changed_in_part(tmp_path: Path) -> None:
    limits = PROFILES["laptop"].on(2).replace(output_inodes=123)
    path = tmp_path / "limits.json"
    path.write_text(json.dumps(limits.as_dict()))
    assert parsed("--limits", str(path)) == limits
    assert parsed("--limits", str(path), "--pids", "7") == limits.replace(pids=7)


@pytest.mark.parametrize("content", ["", "[]", "7", '{"speed": 1}', '{"pids": -1}', '{"pids": "many"}', None])
def test_a_file_that_holds_no_limits(tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "limits.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SystemExit):
        parsed("--limits", str(path))
    assert "holds no limits" in capsys.readouterr().err
