"""Messages, the log, the meter and the engine's stream: pure parts, without a container."""

from __future__ import annotations

import itertools
import random
import socket
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import cgroups, meter
from sandbox.channel import Channel, Stream
from sandbox.errors import SandboxUnavailable
from sandbox.logs import HeadAndTail
from sandbox.meter import Usage
from sandbox.protocol import MAX_RESPONSE_BYTES, MessageReader, ProtocolError, check_ready, frame

READY = b'{"parakh": 1, "ready": true}'


def chunked(whole: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(whole) + 1) for cut in cuts), len(whole)]
    return [whole[start:end] for start, end in itertools.pairwise(places)]


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(0, 10_000)))
def test_any_chunking_gives_the_same_messages(messages: list[bytes], cuts: list[int]) -> None:
    reader = MessageReader()
    found: list[bytes] = []
    for chunk in chunked(b"".join(frame(message) for message in messages), cuts):
        found += reader.feed(chunk)
    assert found == messages
    assert reader.pending == 0


@given(st.binary(min_size=1, max_size=300), st.integers(0, 299))
def test_a_message_without_its_end_is_pending(message: bytes, missing: int) -> None:
    whole = frame(message)
    part = whole[: len(whole) - 1 - missing % len(whole)]
    reader = MessageReader()
    assert reader.feed(part) == []
    assert reader.pending == len(part)


def test_a_frame_is_four_bytes_of_length_and_the_body() -> None:
    assert frame(b"abc") == b"\0\0\0\3abc"
    assert frame(b"") == b"\0\0\0\0"
    assert frame(bytes(70_000))[:4] == b"\0\1\x11\x70"


def test_the_ceiling_is_one_mebibyte_and_not_a_byte_more() -> None:
    reader = MessageReader()
    assert reader.feed(frame(bytes(MAX_RESPONSE_BYTES))) == [bytes(MAX_RESPONSE_BYTES)]
    with pytest.raises(ProtocolError, match="announces 1048577 bytes; the ceiling is 1048576"):
        reader.feed(struct.pack(">I", MAX_RESPONSE_BYTES + 1))


@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_a_long_announcement_is_refused_before_its_body_is_kept(chunk: int) -> None:
    reader = MessageReader(max_bytes=100)
    for _ in range(3 // chunk):
        assert reader.feed(b"\xff" * chunk) == []
    with pytest.raises(ProtocolError, match="announces 4294967295 bytes"):
        reader.feed(b"\xff" * max(4, chunk))
    assert reader.pending <= 2 * max(4, chunk)


@pytest.mark.parametrize(
    "text", ["Loading weights…\n".encode(), b"Traceback (most recent call last):\n", b"<html>", b"\n\n\n\n\n\n\n\n"]
)
def test_text_on_stdout_is_recognised_as_such(text: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"announces|carries text .* print to stderr"):
        MessageReader().feed(text)


@pytest.mark.parametrize("message", [READY, b'{"ready":true,"parakh":1}', b' {"parakh": 1, "ready": true, "x": [1]} '])
def test_ready_is_accepted(message: bytes) -> None:
    check_ready(message)


@pytest.mark.parametrize(
    "message",
    [b"", b"ready", b"{}", b"[]", b"1", b"null", b'{"parakh": 2, "ready": true}', b'{"parakh": 1, "ready": false}',
     b'{"parakh": 1, "ready": 1}', b'{"parakh": "1", "ready": true}', b"\xff\xfe", b"[" * 100_000, b"1" * 10_000,
     b'{"parakh": 1}', READY + READY],
)  # fmt: skip
def test_anything_else_is_not_ready(message: bytes) -> None:
    with pytest.raises(ProtocolError, match="its first message must be") as refusal:
        check_ready(message)
    assert len(str(refusal.value)) < 300
    assert str(refusal.value).isascii() or "…" in str(refusal.value)


# -- the log --------------------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=200), max_size=30), st.integers(2, 400))
def test_a_log_keeps_its_beginning_and_its_end(parts: list[bytes], ceiling: int) -> None:
    log = HeadAndTail(ceiling)
    for part in parts:
        log.add(part)
    whole, half = b"".join(parts), ceiling // 2
    assert log.total == len(whole)
    if len(whole) <= 2 * half:
        assert log.value() == whole
    else:
        left_out = len(whole) - 2 * half
        assert log.value() == whole[:half] + f"\n[… {left_out} bytes left out …]\n".encode() + whole[-half:]


def test_a_log_never_holds_more_than_its_ceiling() -> None:
    log = HeadAndTail(1000)
    for _ in range(1000):
        log.add(bytes(10_000))
    assert log.total == 10_000_000
    assert len(log.value()) < 1100


# -- the engine's stream ------------------------------------------------------------------------------------------


def pair() -> tuple[Channel, socket.socket]:
    """A channel, and the engine's end of it."""
    ours, theirs = socket.socketpair()
    client = SimpleNamespace(api=SimpleNamespace(attach_socket=lambda container, params: ours))
    return Channel(cast("Any", client), "container"), theirs


def heard(channel: Channel) -> list[tuple[Stream, bytes]]:
    found: list[tuple[Stream, bytes]] = []
    while not channel.closed:
        found += channel.wait(1)
    return found


@given(
    st.lists(
        st.tuples(st.sampled_from([Stream.STDOUT, Stream.STDERR]), st.binary(min_size=1, max_size=99)), max_size=6
    ),
    st.lists(st.integers(0, 999), max_size=6),
)
def test_any_chunking_of_frames_gives_the_same_streams(frames: list[tuple[Stream, bytes]], cuts: list[int]) -> None:
    channel, engine = pair()
    for chunk in chunked(b"".join(struct.pack(">BxxxL", s, len(body)) + body for s, body in frames), cuts):
        if chunk:
            engine.sendall(chunk)
    engine.close()
    found = heard(channel)
    for stream in Stream:
        assert b"".join(body for s, body in found if s is stream) == b"".join(b for s, b in frames if s is stream)
    channel.close()


def test_a_stream_out_of_step_is_the_engines_fault() -> None:
    channel, engine = pair()
    engine.sendall(b"HTTP/1.1 500 Internal")
    with pytest.raises(SandboxUnavailable, match="out of step"):
        heard(channel)
    channel.close()
    channel.close()


def test_a_message_that_does_not_fit_is_sent_when_there_is_room() -> None:
    channel, engine = pair()
    message = random.Random(3).randbytes(5_000_000)
    channel.send(message)
    assert channel.writing
    channel.end_input()
    received = bytearray()
    while not received or channel.writing:
        received += engine.recv(1 << 20)
        channel.wait(0.001)
    while more := engine.recv(1 << 20):
        received += more
    assert received == message
    channel.close()


def test_sending_to_a_container_that_is_gone_is_no_error() -> None:
    channel, engine = pair()
    engine.close()
    channel.send(b"x" * 100_000)
    channel.end_input()
    assert heard(channel) == []
    assert not channel.writing
    channel.close()


# -- the meter ------------------------------------------------------------------------------------------------------

USAGES = st.builds(
    Usage,
    cpu_seconds=st.none() | st.floats(0, 100),
    memory_bytes=st.none() | st.integers(0, 100),
    throttled_seconds=st.none() | st.floats(0, 100),
    oom_kills=st.integers(0, 3),
    pids_refused=st.integers(0, 3),
    pids_peak=st.integers(0, 3),
    scratch_full=st.booleans(),
)


@given(USAGES, USAGES, USAGES)
def test_the_highest_of_readings_is_the_same_in_any_order(one: Usage, two: Usage, three: Usage) -> None:
    assert one.highest(two).highest(three) == three.highest(one).highest(two)
    assert one.highest(Usage()) == one


@pytest.mark.parametrize("version", [1, 2])
def test_kernel_files_are_read_as_they_are_and_their_absence_is_no_error(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    if version == 2:
        (tmp_path / "cgroup.controllers").touch()
    found = meter.open_meter(cast("Any", None), "c" * 64, "/parakh/run")
    assert found.read() == Usage()
    own = "parakh/run/" + "c" * 64
    files = {
        1: {
            "cpuacct/parakh/run/cpuacct.usage": "2500000000\n",
            "memory/parakh/run/memory.stat": "cache 9999\nrss 1\ntotal_rss 4096\ntotal_shmem 1000\ntotal_cache 9999\n",
            f"cpu/{own}/cpu.stat": "nr_periods 5\nnr_throttled 2\nthrottled_time 1500000000\n",
            f"memory/{own}/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
            f"pids/{own}/pids.events": "max 7\n",
            "pids/parakh/run/pids.peak": "32\n",
        },
        2: {
            "parakh/run/cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
            "parakh/run/memory.stat": "anon 4096\nfile 9999\nshmem 1000\n",
            f"{own}/cpu.stat": "usage_usec 2500000\nthrottled_usec 1500000\n",
            "parakh/run/memory.events": "low 0\nhigh 0\nmax 40\noom 3\noom_kill 2\n",
            "parakh/run/pids.events": "max 0\n",
            "parakh/run/pids.peak": "32\n",
            f"{own}/pids.events": "max 7\n",
        },
    }
    for name, text in files[version].items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert found.read() == Usage(
        cpu_seconds=2.5, memory_bytes=5096, throttled_seconds=1.5, oom_kills=2, pids_refused=7, pids_peak=32
    )


@pytest.mark.parametrize("version", [1, 2])
def test_memory_is_the_containers_own_where_the_parents_figure_is_late(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    controller = tmp_path / "memory" if version == 1 else tmp_path
    own = controller / "parakh" / "run" / ("c" * 64)
    own.mkdir(parents=True)
    if version == 2:
        (tmp_path / "cgroup.controllers").touch()
    (own.parent / "memory.stat").write_text("total_rss 10\ntotal_shmem 0\nanon 10\nshmem 0\n")
    (own / "memory.stat").write_text("total_rss 500\ntotal_shmem 5\nanon 500\nshmem 5\n")
    assert meter.open_meter(cast("Any", None), "c" * 64, "/parakh/run").read().memory_bytes == 505


def test_the_engines_own_statistics_are_understood() -> None:
    sample = {
        "cpu_stats": {"cpu_usage": {"total_usage": 1_500_000_000}, "throttling_data": {"throttled_time": 500_000_000}},
        "memory_stats": {"stats": {"anon": 100, "shmem": 20}},
    }
    assert meter._from_engine(sample) == Usage(cpu_seconds=1.5, memory_bytes=120, throttled_seconds=0.5)
    assert meter._from_engine({"cpu_stats": {}, "memory_stats": {}}) == Usage()
