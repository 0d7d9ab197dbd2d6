"""Zips and directories from strangers: what is read, what is refused, naming the entry, and at what cost."""

from __future__ import annotations

import contextlib
import io
import os
import random
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import sandbox
from sandbox import BadArchive, Limits, pack, read_files
from tests.sandbox.zips import (
    PREDICT,
    Part,
    by_hand,
    patched,
    plain_zip,
    special,
    streamed,
    zip_of_one_body,
    zip_of_quoted_headers,
    zipped,
)

MIB = 1024**2
LIMITS = Limits(archive_packed_bytes=2 * MIB, archive_unpacked_bytes=4 * MIB, archive_files=50)
NOISE = random.Random(0).randbytes(100_000)


def read(archive: bytes | Path, tmp_path: Path, limits: Limits = LIMITS) -> dict[str, bytes]:
    path = archive
    if isinstance(archive, bytes):
        path = tmp_path / "archive.zip"
        path.write_bytes(archive)
    assert isinstance(path, Path)
    return {name: content.read() for name, content in read_files(path, limits)}


def test_the_files_of_a_zip_are_read_in_its_order(tmp_path: Path) -> None:
    files = read(zipped(("deep/er/weights.bin", NOISE), ("empty/", b""), ("note.txt", b"")), tmp_path)
    assert files == {"predict.py": PREDICT, "deep/er/weights.bin": NOISE, "note.txt": b""}
    assert list(files) == ["predict.py", "deep/er/weights.bin", "note.txt"]


def test_content_comes_in_pieces_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    path.write_bytes(plain_zip(("weights", NOISE)))
    for name, content in read_files(path, LIMITS):
        assert (name, content.size) == ("weights", len(NOISE))
        assert [content.read(60_000), content.read(60_000), content.read(1), content.read()] == [
            NOISE[:60_000], NOISE[60_000:], b"", b""
        ]  # fmt: skip


def test_a_directory_is_read_like_its_zip(tmp_path: Path) -> None:
    root = tmp_path / "code"
    for name, content in {
        "predict.py": PREDICT, "net/model.py": b"x = 1", "net/__pycache__/m.pyc": b"", ".git/x": b""
    }.items():  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    assert read(root, tmp_path) == read(zipped(("net/model.py", b"x = 1")), tmp_path)


def test_a_zip_in_the_zip_is_just_a_file(tmp_path: Path) -> None:
    inner = zipped(("../../evil", b"x"))
    assert read(zipped(("inner.zip", inner)), tmp_path)["inner.zip"] == inner


def _written_as_a_stream() -> bytes:
    """zipfile itself, on a file that can't seek."""

    class Pipe(io.RawIOBase):
        written = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, piece: object) -> int:
            self.written += bytes(piece)  # type: ignore[call-overload]
            return len(bytes(piece))  # type: ignore[call-overload]

    pipe = Pipe()
    pipe.written = bytearray()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        for name, content in (("predict.py", PREDICT), ("weights", NOISE)):
            archive.writestr(name, content)
    return bytes(pipe.written)


def _with_zip64() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (("predict.py", PREDICT), ("weights", NOISE)):
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(content)
    return file.getvalue()


def _with_zip64_end() -> bytes:
    """As written for more than 65,535 entries: the end record says nothing, the zip64 one all."""
    archive = zipped(("weights", NOISE))
    place = archive.rindex(b"PK\5\6")
    *_, count, length, offset, _ = struct.unpack("<4s4H2LH", archive[place:])
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, place, 1)
    return (
        archive[:place] + end64 + locator + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, *[65535] * 2, *[2**32 - 1] * 2, 0)
    )


def _with_a_comment() -> bytes:
    file = io.BytesIO(zipped(("weights", NOISE)))
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = b"epoch 17, 61.2 %"
    return file.getvalue()


HONEST: dict[str, Callable[[], bytes]] = {
    "deflated": lambda: zipped(("weights", NOISE)),
    "stored": lambda: zipped(("weights", NOISE), method=zipfile.ZIP_STORED),
    "streamed": _written_as_a_stream,
    "streamed, no signature": lambda: by_hand(Part("predict.py", PREDICT), streamed("weights", NOISE, signature=False)),
    "zip64 sizes": _with_zip64,
    "zip64 end record": _with_zip64_end,
    "a comment": _with_a_comment,
    "by hand": lambda: by_hand(Part("predict.py", PREDICT), Part("weights", NOISE)),
}


@pytest.mark.parametrize("name", HONEST)
def test_what_honest_tools_write_is_read(name: str, tmp_path: Path) -> None:
    assert read(HONEST[name](), tmp_path) == {"predict.py": PREDICT, "weights": NOISE}


def _encrypted(bit: int) -> Callable[[], bytes]:
    def make() -> bytes:
        archive = bytearray(zipped(("weights", b"secret" * 100)))
        for signature, field in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            place = archive.rindex(signature) + field
            archive[place : place + 2] = struct.pack("<H", bit)
        return bytes(archive)

    return make


def _promising(directory_bytes: int) -> bytes:
    """The end record promises a directory of 1 GiB; honest readers would believe it before they count."""
    archive = bytearray(zipped())
    place = archive.rindex(b"PK\5\6")
    archive[place + 12 : place + 16] = struct.pack("<L", directory_bytes)
    return bytes(archive)


def _promising_64(directory_bytes: int) -> bytes:
    archive = zipped()
    place = archive.rindex(b"PK\5\6")
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, directory_bytes, 0)
    return archive[:place] + record + struct.pack("<4sLQL", b"PK\6\7", 0, place, 1) + archive[place:]


def _one_of_two_disks() -> bytes:
    archive = bytearray(zipped())
    place = archive.rindex(b"PK\5\6")
    archive[place + 4 : place + 6] = struct.pack("<H", 1)
    return bytes(archive)


def _two_ends() -> bytes:
    """A whole zip in the comment of another: some readers take the first, some the last."""
    inner, file = plain_zip(("predict.py", b"other")), io.BytesIO(zipped())
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = inner
    return file.getvalue()


DEEP = [("/".join(f"{number:02d}{place:02d}" for place in range(39)), b"") for number in range(40)]
HUGE = Part("weights", b"x" * 5000)

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "not a whole zip"),
    "not a zip": (lambda: b"PK" + bytes(1000), "not a whole zip"),
    "a tar": (lambda: bytes(10240), "not a whole zip"),
    "truncated": (lambda: zipped(("weights", NOISE))[:5000], "not a whole zip"),
    "a spoiled entry": (lambda: zipped(("w", NOISE)).replace(NOISE[500:600], bytes(100)), "not a whole zip"),
    "slip": (lambda: zipped(("../evil.py", b"x")), "'../evil.py' is not a plain relative path"),
    "slip below": (lambda: zipped(("a/../../evil.py", b"x")), "not a plain relative path"),
    "slip of a folder": (lambda: zipped(("../evil/", b"")), "'../evil' is not a plain relative path"),
    "absolute": (lambda: zipped(("/etc/cron.d/evil", b"x")), "'/etc/cron.d/evil' is not a plain relative path"),
    "a drive": (lambda: zipped(("C:evil.py", b"x")), "not a plain relative path"),
    "a backslash": (lambda: zipped((special("a\\b", stat.S_IFREG), b"x")), "not a plain relative path"),
    "no name at all": (lambda: by_hand(Part("", b"x")), "not a plain relative path"),
    "a dot": (lambda: zipped(("./weights", b"x")), "not a plain relative path"),
    "a double slash": (lambda: zipped(("a//b", b"x")), "not a plain relative path"),
    "a symbolic link": (lambda: zipped((special("link", stat.S_IFLNK), b"/etc")), "'link' is a link or a device"),
    "a link that is a folder": (lambda: zipped((special("link/", stat.S_IFLNK), b"")), "'link/' is a link or a device"),
    "a device": (lambda: zipped((special("disk", stat.S_IFBLK), b"")), "'disk' is a link or a device"),
    "a FIFO": (lambda: zipped((special("fifo", stat.S_IFIFO), b"")), "'fifo' is a link or a device"),
    "a socket": (lambda: zipped((special("sock", stat.S_IFSOCK), b"")), "'sock' is a link or a device"),
    "encrypted": (_encrypted(0x1), "'weights' is encrypted; zip it without a password"),
    "encrypted strongly": (_encrypted(0x40), "'weights' is encrypted"),
    "an encrypted directory": (_encrypted(0x2000), "'weights' is encrypted"),
    "a folder with content": (lambda: by_hand(Part("a/", b"hidden")), "'a/' is a folder and has content"),
    "a bomb": (lambda: zipped(("zeros", bytes(3 * MIB))), "'zeros' unpacks to more than 200 times its size"),
    "many small bombs": (lambda: zipped(*((f"z{n}", bytes(MIB)) for n in range(5))), "unpacks to more than 4.0 MiB"),
    "a bomb of one body": (lambda: zip_of_one_body(20, NOISE), "'0' overlaps another entry"),
    "a bomb of quoted headers": (lambda: zip_of_quoted_headers(20, NOISE), "'001' overlaps another entry"),
    "bzip2": (lambda: zipped(method=zipfile.ZIP_BZIP2), "compressed in an unusual way"),
    "LZMA": (lambda: zipped(method=zipfile.ZIP_LZMA), "compressed in an unusual way"),
    "too large": (lambda: zipped(("w", NOISE * 30), method=0), "2.9 MiB; at most 2.0 MiB are allowed"),
    "too many files": (lambda: zipped(*((f"{n}", b"") for n in range(60))), r"too many entries \(61\); at most 50"),
    "too many folders": (lambda: zipped(*DEEP), "more than 50 files and folders"),
    "more than it says": (lambda: by_hand(*(Part(f"{n}", b"") for n in range(9)), count=1), "9 entries and says 1"),
    "a directory of a GiB": (lambda: _promising(1 << 30), "too many entries"),
    "a zip64 directory of a GiB": (lambda: _promising_64(1 << 30), "too many entries"),
    "longer than it says": (lambda: patched(zipped(("weights", b"x" * 5000)), 24, 10), "not as long as"),
    "shorter than it says": (lambda: patched(zipped(("weights", b"x" * 5000)), 24, 6000), "not as long as"),
    "longer, and both say so": (
        lambda: patched(by_hand(Part("weights", b"x" * 50, local_sizes=(5, 60))), 24, 60), "not as long as"
    ),
    "sizes that differ": (
        lambda: by_hand(Part("weights", b"x" * 5000, local_sizes=(5, 5000))), "not as long as the zip's directory says"
    ),
    "a name that differs": (lambda: by_hand(Part("weights", b"x", local_name="WEIGHTS")), "not what the zip's dir"),
    "somewhere else": (lambda: patched(zipped(("weights", b"x" * 5000)), 42, 3_000_000), "overlaps"),
    "on top of another": (lambda: patched(zipped(("weights", b"x" * 5000)), 42, 0), "overlaps"),
    "inside another": (lambda: by_hand(Part("a", NOISE), Part("b", b"x", at=900)), "'b' overlaps another entry"),
    "a program before it": (lambda: b"#!/bin/sh\nexit\n" + zipped(), "something lies before the zip"),
    "a program before it, counted in": (lambda: by_hand(Part("a", b"x"), before=b"MZ"), "'a' overlaps .* before it"),
    "something between": (lambda: by_hand(Part("a", b"x"), between=b"hidden"), "between the zip's files and its dir"),
    "something behind": (lambda: by_hand(Part("a", b"x"), after=b"hidden"), "something follows the end of the zip"),
    "a zip in its comment": (_two_ends, "something lies before the zip"),
    "one of two disks": (_one_of_two_disks, "one part of several"),
    "twins by case": (lambda: zipped(("Net.py", b""), ("net.PY", b"")), "'net.PY' and 'Net.py' are the same name"),
    "twins by Unicode": (lambda: zipped(("n\u00e9t.py", b""), ("ne\u0301t.py", b"")), "are the same name"),
    "the same name twice": (lambda: zipped(("a", b"1"), ("a", b"2")), "are the same name"),
    "a file that is a folder": (lambda: zipped(("a", b""), ("a/b", b"")), "'a/b' is a file and a folder at once"),
    "a folder that is a file": (lambda: zipped(("a/b", b""), ("A", b"")), "'A' is a file and a folder at once"),
    "an empty folder that is a file": (lambda: zipped(("a/", b""), ("A", b"")), "'A' is a file and a folder at once"),
    "a control character": (lambda: zipped(("a\x1b[31mb", b"")), "unprintable"),
    "a NUL": (lambda: by_hand(Part("a.py\0.txt", b"x")), r"'a.py\\x00.txt' .* unprintable"),
    "a right-to-left mark": (lambda: zipped(("a\u202egnp.py", b"")), "unprintable"),
    "a long name": (lambda: zipped(("x" * 201, b"")), "too long a name"),
    "a long name in bytes": (lambda: zipped(("\U0001f600" * 64, b"")), "too long a name"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_refused(name: str, tmp_path: Path) -> None:
    make, says = REFUSED[name]
    with pytest.raises(BadArchive, match=says) as refusal:
        read(make(), tmp_path)
    assert len(str(refusal.value)) < 400


def test_the_overlapping_bombs_are_real() -> None:
    """Each file of them is whole, for a reader that looks at one entry after the other."""
    for bomb in (zip_of_one_body(20, NOISE), zip_of_quoted_headers(20, NOISE)):
        assert len(bomb) < 1.1 * len(NOISE)
        with zipfile.ZipFile(io.BytesIO(bomb)) as archive:
            for entry in archive.infolist():
                with contextlib.suppress(AttributeError):  # newer Pythons look for overlaps themselves
                    entry._end_offset = None  # type: ignore[attr-defined]
            lengths = [len(archive.read(entry)) for entry in archive.infolist()]
        assert sum(lengths) > 19 * len(NOISE)


def test_links_and_devices_in_a_directory_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "code"
    root.mkdir()
    (root / "predict.py").write_bytes(PREDICT)
    make: dict[str, Callable[[Path], object]] = {
        "link": lambda path: path.symlink_to("/etc/passwd"),
        "up": lambda path: path.symlink_to("/etc", target_is_directory=True),
        "dangling": lambda path: path.symlink_to("/no/such/file"),
        "fifo": os.mkfifo,
    }
    for name, made in make.items():
        made(root / name)
        with pytest.raises(BadArchive, match=f"'{name}' is not a regular file"):
            read(root, tmp_path)
        (root / name).unlink()
    assert read(root, tmp_path) == {"predict.py": PREDICT}


def test_a_directory_has_the_same_ceilings(tmp_path: Path) -> None:
    root = tmp_path / "code"
    root.mkdir()
    (root / "predict.py").write_bytes(PREDICT)
    with (root / "hole").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BadArchive, match="unpacks to more than"):
        read(root, tmp_path)
    (root / "hole").unlink()
    (root / os.fsdecode(b"\xff")).touch()
    with pytest.raises(BadArchive, match="unprintable"):
        read(root, tmp_path)
    (root / os.fsdecode(b"\xff")).unlink()
    for number in range(60):
        (root / f"{number}").mkdir()
    with pytest.raises(BadArchive, match="more than 50 files and folders"):
        read(root, tmp_path)


def test_a_file_that_shrinks_while_it_is_read_is_no_fault_of_ours(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(NOISE)
    files = read_files(tmp_path, LIMITS)
    _, content = next(files)
    (tmp_path / "weights").write_bytes(NOISE[:10])
    with pytest.raises(BadArchive, match="'weights' is not as long"):
        content.read()
    files.close()


def test_a_disk_of_ours_that_fails_is_not_the_teams_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "gone.zip", tmp_path)


def test_whatever_is_changed_it_is_refused_or_read(tmp_path: Path) -> None:
    """Two thousand damaged zips: nothing but BadArchive ever comes out."""
    chance = random.Random(5)
    whole = zipped(("weights", random.Random(1).randbytes(300)), ("net/model.py", b"x = 1\n" * 99))
    refused = 0
    for _ in range(2000):
        archive = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            start = chance.randrange(len(archive))
            archive[start : start + chance.randint(0, 8)] = chance.randbytes(chance.randint(0, 8))
        try:
            read(bytes(archive), tmp_path)
        except BadArchive:
            refused += 1
    assert refused > 1000


SMALL_WORKER = """
import pathlib, resource, sys, tempfile
sys.path.insert(0, sys.argv[2])
from sandbox import BadArchive, Limits, pack, read_files
used = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + 24 * 2**20, -1))
with tempfile.TemporaryFile() as sink:
    pack(read_files(pathlib.Path(sys.argv[1]), Limits()), sink)
    print(sink.seek(0, 2))
"""


@pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "directory"])
def test_weights_are_never_in_memory_as_a_whole(as_zip: bool, tmp_path: Path) -> None:
    weights = random.Random(1).randbytes(MIB) * 150
    root = tmp_path / "code"
    root.mkdir()
    if as_zip:
        root = tmp_path / "code.zip"
        root.write_bytes(plain_zip(("weights", weights), method=zipfile.ZIP_STORED))
    else:
        (root / "weights").write_bytes(weights)
    worker = [sys.executable, "-c", SMALL_WORKER, str(root), str(Path(sandbox.__file__).parents[1])]
    done = subprocess.run(worker, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-800:]
    assert int(done.stdout) > 150 * MIB


def test_packing_passes_a_refusal_through(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    path.write_bytes(patched(by_hand(Part("weights", b"x" * 50, local_sizes=(5, 60))), 24, 60))
    with pytest.raises(BadArchive):
        pack(read_files(path, LIMITS), io.BytesIO())
