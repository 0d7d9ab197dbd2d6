"""Code submissions: what goes into the container, and what is missing. Refusals: tests/sandbox/test_archives.py."""

from __future__ import annotations

import io
import random
import stat
import tarfile
from pathlib import Path

import pytest

from evaluator.archives import pack_code
from evaluator.errors import SubmissionError
from sandbox import Limits
from tests.sandbox.zips import PREDICT, plain_zip, special, zipped

MIB = 1024**2
LIMITS = Limits(archive_packed_bytes=2 * MIB, archive_unpacked_bytes=4 * MIB, archive_files=50)

Entries = dict[str, bytes]


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


def test_setuid_and_other_bits_do_not_travel(tmp_path: Path) -> None:
    members, _ = packed(zipped((special("tool", stat.S_IFREG | stat.S_ISUID), b"#!")), tmp_path)
    assert {oct(m.mode) for m in members} == {"0o444"}


@pytest.mark.parametrize(
    ("entries", "hint"),
    [
        (["main.py"], "there is no predict.py at the top of the archive$"),
        (["Predict.py"], "there is no predict.py at the top"),
        (["model/predict.py", "model/w"], "it is at 'model/predict.py': zip the files, not the folder around them"),
    ],
)
def test_without_predict_py_it_says_where_it_is_instead(entries: list[str], hint: str, tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match=hint):
        packed(plain_zip(*((name, b"x") for name in entries)), tmp_path)


@pytest.mark.parametrize(
    ("entry", "says"),
    [("../evil.py", "'../evil.py' is not a plain relative path"), ("predict.py/x", "a file and a folder at once")],
)
def test_what_the_reader_refuses_is_the_teams_fault(entry: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match=says):
        packed(zipped((entry, b"x")), tmp_path)
