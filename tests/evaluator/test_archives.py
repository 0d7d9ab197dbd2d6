"""Code archives from strangers: what goes into the container, and what is refused, naming the entry."""

from __future__ import annotations

import io
import os
import random
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluator.archives import pack_code
from evaluator.errors import SubmissionError
from sandbox import Limits

MIB = 1024**2
LIMITS = Limits(archive_packed_bytes=2 * MIB, archive_unpacked_bytes=4 * MIB, archive_files=50)
PREDICT = b"def predict(image):\n    return image[..., 0] * 0\n"

Entries = dict[str, bytes]


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in (("predict.py", PREDICT), *entries):
            archive.writestr(name, content)
    return file.getvalue()


def packed(archive: bytes | Path, tmp_path: Path, limits: Limits = LIMITS) -> tuple[list[tarfile.TarInfo], Entries]:
    """What would be mounted at /submission."""
    path = archive
    if isinstance(archive, bytes):
        path = tmp_path / "code.zip"
        path.write_bytes(archive)
    assert isinstance(path, Path)
    sink = io.BytesIO()
    total = pack_code(path, limits, sink)
    assert sink.tell() == 0
    with tarfile.open(fileobj=sink) as tar:
        members = tar.getmembers()
        files = {m.name: tar.extractfile(m).read() for m in members if m.isreg()}  # type: ignore[union-attr]
    assert total == sum(map(len, files.values()))
    return members, files


def special(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (mode | 0o777) << 16
    return entry


def patched(archive: bytes, field: int, value: int, name: bytes = b"weights") -> bytes:
    """Another 32-bit number in the directory entry of `name`: 20 packed size, 24 size, 42 offset, 8 flags."""
    place = archive.rindex(name) - 46
    assert archive[place : place + 4] == b"PK\1\2"
    return archive[: place + field] + struct.pack("<L", value) + archive[place + field + 4 :]


def test_the_files_arrive_plain_and_read_only(tmp_path: Path) -> None:
    weights = random.Random(0).randbytes(100_000)
    members, files = packed(zipped(("deep/er/weights.bin", weights), ("empty/", b""), ("note.txt", b"")), tmp_path)
    assert files == {"predict.py": PREDICT, "deep/er/weights.bin": weights, "note.txt": b""}
    assert {(m.name, m.isdir(), oct(m.mode)) for m in members if not m.isreg()} == {
        ("deep", True, "0o755"), ("deep/er", True, "0o755")
    }  # fmt: skip
    assert {oct(m.mode) for m in members if m.isreg()} == {"0o444"}
    assert {(m.uid, m.gid) for m in members} == {(0, 0)}


def test_a_directory_is_packed_like_its_zip(tmp_path: Path) -> None:
    root = tmp_path / "code"
    for name, content in {
        "predict.py": PREDICT,
        "net/model.py": b"x = 1",
        "net/__pycache__/m.pyc": b"",
        ".git/x": b"",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    assert packed(root, tmp_path)[1] == packed(zipped(("net/model.py", b"x = 1")), tmp_path)[1]


def test_a_zip_in_the_zip_is_just_a_file(tmp_path: Path) -> None:
    inner = zipped(("../../evil", b"x"))
    assert packed(zipped(("inner.zip", inner)), tmp_path)[1]["inner.zip"] == inner


def test_setuid_and_other_bits_do_not_travel(tmp_path: Path) -> None:
    members, _ = packed(zipped((special("tool", stat.S_IFREG | stat.S_ISUID), b"#!")), tmp_path)
    assert {oct(m.mode) for m in members} == {"0o444"}


def test_stored_entries_are_as_good_as_deflated_ones(tmp_path: Path) -> None:
    assert packed(zipped(method=zipfile.ZIP_STORED), tmp_path)[1] == {"predict.py": PREDICT}


def _encrypted() -> bytes:
    archive = bytearray(zipped(("weights", b"secret" * 100)))
    for signature, field in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        archive[archive.rindex(signature) + field] |= 1
    return bytes(archive)


def _many_entries() -> bytes:
    return zipped(*((f"{number}", b"") for number in range(60)))


def _huge_directory() -> bytes:
    """The end record promises a directory of 1 GiB; honest readers would believe it before they count."""
    archive = bytearray(zipped())
    place = archive.rindex(b"PK\5\6")
    archive[place + 12 : place + 16] = struct.pack("<L", 1 << 30)
    return bytes(archive)


def _huge_directory_64() -> bytes:
    archive = zipped()
    place = archive.rindex(b"PK\5\6")
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, 1 << 30, 0)
    return archive[:place] + record + struct.pack("<4sLQL", b"PK\6\7", 0, place, 1) + archive[place:]


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "not a whole zip"),
    "not a zip": (lambda: b"PK" + bytes(1000), "not a whole zip"),
    "a tar": (lambda: bytes(10240), "not a whole zip"),
    "truncated": (lambda: zipped(("weights", random.Random(1).randbytes(9999)))[:5000], "not a whole zip"),
    "a spoiled entry": (lambda: zipped(("w", bytes(9999))).replace(PREDICT[:0] + b"\xed\xc1", b"\xff\xff"), "zip"),
    "slip": (lambda: zipped(("../evil.py", b"x")), "'../evil.py' is not a plain relative path"),
    "slip below": (lambda: zipped(("a/../../evil.py", b"x")), "not a plain relative path"),
    "absolute": (lambda: zipped(("/etc/cron.d/evil", b"x")), "'/etc/cron.d/evil' is not a plain relative path"),
    "a drive": (lambda: zipped(("C:evil.py", b"x")), "not a plain relative path"),
    "a backslash": (lambda: zipped((special("a\\b", stat.S_IFREG), b"x")), "not a plain relative path"),
    "no name at all": (lambda: zipped(("x", b"")).replace(b"\x01\0\0\0x", b"\0\0\0\0x"), "zip|plain relative path"),
    "a dot": (lambda: zipped(("./weights", b"x")), "not a plain relative path"),
    "a double slash": (lambda: zipped(("a//b", b"x")), "not a plain relative path"),
    "a symbolic link": (lambda: zipped((special("link", stat.S_IFLNK), b"/etc/passwd")),
                        "'link' is a link or a device"),
    "a device": (lambda: zipped((special("disk", stat.S_IFBLK), b"")), "'disk' is a link or a device"),
    "a FIFO": (lambda: zipped((special("fifo", stat.S_IFIFO), b"")), "'fifo' is a link or a device"),
    "encrypted": (_encrypted, "'weights' is encrypted; zip it without a password"),
    "a bomb": (lambda: zipped(("zeros", bytes(3 * MIB))), "'zeros' unpacks to more than 200 times its size"),
    "many small bombs": (lambda: zipped(*((f"z{n}", bytes(MIB)) for n in range(5))), "unpacks to more than 4.0 MiB"),
    "bzip2": (lambda: zipped(method=zipfile.ZIP_BZIP2), "compressed in an unusual way"),
    "LZMA": (lambda: zipped(method=zipfile.ZIP_LZMA), "compressed in an unusual way"),
    "too large": (lambda: zipped(("w", random.Random(2).randbytes(3 * MIB))), "3.0 MiB; at most 2.0 MiB are allowed"),
    "too many files": (_many_entries, "61 entries; at most 50 are allowed"),
    "a directory of a GiB": (_huge_directory, "too many entries"),
    "a zip64 directory of a GiB": (_huge_directory_64, "too many entries"),
    "longer than it says": (lambda: patched(zipped(("weights", b"x" * 5000)), 24, 10), "not as long as|not a whole"),
    "shorter than it says": (lambda: patched(zipped(("weights", b"x" * 5000)), 24, 6000), "not as long as|not a whole"),
    "somewhere else": (lambda: patched(zipped(("weights", b"x" * 5000)), 42, 3_000_000), "not a whole zip|damaged"),
    "on top of another": (lambda: patched(zipped(("weights", b"x" * 5000)), 42, 0), "not a whole zip|damaged"),
    "twins by case": (lambda: zipped(("Net.py", b""), ("net.PY", b"")), "'net.PY' and 'Net.py' are the same name"),
    "twins by Unicode": (lambda: zipped(("n\u00e9t.py", b""), ("ne\u0301t.py", b"")), "are the same name"),
    "the same name twice": (lambda: zipped(("a", b"1"), ("a", b"2")), "are the same name"),
    "a file that is a folder": (lambda: zipped(("a", b""), ("a/b", b"")), "'a/b' is a file and a folder at once"),
    "a folder that is a file": (lambda: zipped(("a/b", b""), ("A", b"")), "'A' is a file and a folder at once"),
    "a control character": (lambda: zipped(("a\x1b[31mb", b"")), "unprintable"),
    "a right-to-left mark": (lambda: zipped(("a\u202egnp.py", b"")), "unprintable"),
    "a long name": (lambda: zipped(("x" * 201, b"")), "too long a name"),
    "a long name in bytes": (lambda: zipped(("\U0001f600" * 64, b"")), "too long a name"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_refused(name: str, tmp_path: Path) -> None:
    make, says = REFUSED[name]
    with pytest.raises(SubmissionError, match=says) as refusal:
        packed(make(), tmp_path)
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize(
    ("entries", "hint"),
    [
        (["main.py"], "there is no predict.py at the top of the archive$"),
        (["Predict.py"], "there is no predict.py at the top"),
        (["model/predict.py", "model/w"], "it is at 'model/predict.py': zip the files, not the folder around them"),
    ],
)
def test_without_predict_py_it_says_where_it_is_instead(entries: list[str], hint: str, tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in entries:
            archive.writestr(name, b"x")
    with pytest.raises(SubmissionError, match=hint):
        packed(file.getvalue(), tmp_path)


def test_links_and_devices_in_a_directory_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "code"
    root.mkdir()
    (root / "predict.py").write_bytes(PREDICT)
    (root / "link").symlink_to("/etc/passwd")
    for name in ("link", "fifo"):
        if name == "fifo":
            os.mkfifo(root / name)
        with pytest.raises(SubmissionError, match=f"'{name}' is not a regular file"):
            packed(root, tmp_path)
        (root / name).unlink()
    assert packed(root, tmp_path)[1] == {"predict.py": PREDICT}


def test_a_directory_has_the_same_ceilings(tmp_path: Path) -> None:
    root = tmp_path / "code"
    root.mkdir()
    (root / "predict.py").write_bytes(PREDICT)
    with (root / "hole").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(SubmissionError, match="unpacks to more than"):
        packed(root, tmp_path)
    (root / "hole").unlink()
    for number in range(60):
        (root / f"{number}").touch()
    with pytest.raises(SubmissionError, match="more than 50 files"):
        packed(root, tmp_path)
    (root / os.fsdecode(b"\xff")).touch()
    with pytest.raises(SubmissionError, match=r"unprintable|more than 50"):
        packed(root, tmp_path)


def test_whatever_is_changed_it_is_refused_or_packed(tmp_path: Path) -> None:
    """Two thousand damaged zips: nothing but SubmissionError ever comes out."""
    chance = random.Random(5)
    whole = zipped(("weights", random.Random(1).randbytes(300)), ("net/model.py", b"x = 1\n" * 99))
    refused = 0
    for _ in range(2000):
        archive = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            start = chance.randrange(len(archive))
            archive[start : start + chance.randint(0, 8)] = chance.randbytes(chance.randint(0, 8))
        try:
            packed(bytes(archive), tmp_path)
        except SubmissionError:
            refused += 1
    assert refused > 1000
