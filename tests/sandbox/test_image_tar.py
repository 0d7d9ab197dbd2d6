"""The strict tar reader: sees what the engine sees, or refuses."""

from __future__ import annotations

import contextlib
import io
import posixpath
import random
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import BadImage, Limits, images
from sandbox.image.stream import Stream
from sandbox.image.tar import Member, TarReader
from tests.sandbox.archives import (
    Archive,
    entry,
    hard_link,
    pax_header,
    record,
    spoilt_header,
    symlink,
    tar_of,
    tar_with,
)

DIALECTS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
PLAIN = tar_of({"a": b"hello", "b/c": b"x" * 700})


def members(content: bytes, step: int = 1 << 20) -> list[Member]:
    """All entries, of a stream that comes in chunks of `step` bytes."""
    chunks = (content[at : at + step] for at in range(0, len(content), step))
    return list(TarReader(Stream(chunks)))


def read(content: bytes, step: int) -> dict[bytes, bytes]:
    """All files with their content."""
    tar = TarReader(Stream(content[at : at + step] for at in range(0, len(content), step)))
    return {member.name: b"".join(tar.content()) for member in tar}


# -- what others write -------------------------------------------------------------------------------------------

names = st.text(st.characters(blacklist_characters="\0/", blacklist_categories=("Cs",)), min_size=1, max_size=60)
paths = st.lists(names.filter(lambda name: name not in (".", "..")), min_size=1, max_size=5).map("/".join)


@st.composite
def entries(draw: st.DrawFn) -> tuple[tarfile.TarInfo, bytes]:
    kind = draw(st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]))
    content = draw(st.binary(max_size=1500)) if kind == tarfile.REGTYPE else b""
    link = draw(paths) if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
    return entry(draw(paths), content, type=kind, linkname=link, mtime=draw(st.integers(0, 2**33)))


@settings(deadline=None, max_examples=200)
@given(found=st.lists(entries(), max_size=6), dialect=st.sampled_from(DIALECTS[1:]), step=st.integers(1, 2000))
def test_it_reads_what_tarfile_writes(found: list[tuple[tarfile.TarInfo, bytes]], dialect: int, step: int) -> None:
    content = tar_with(*found, dialect=dialect)
    seen = members(content, step)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        wanted = [(each.name.rstrip("/"), each.type, each.size, each.linkname) for each in tar]
    assert [(each.name.decode().rstrip("/"), each.kind, each.size, each.link.decode()) for each in seen] == wanted
    assert list(read(content, step).values()) == list({made.name: content for made, content in found}.values()) or (
        len({made.name for made, _ in found}) < len(found)
    )


def test_names_split_by_ustar_are_joined() -> None:
    name = "/".join(["part" * 10] * 5)
    assert members(tar_with(entry(name), dialect=tarfile.USTAR_FORMAT))[0].name == name.encode()


def test_old_headers_have_neither_prefix_nor_numbers() -> None:
    """V7: what lies there are left-overs, and Go does not look."""
    old = spoilt_header(tarfile.TarInfo("old"), {257: bytes(8), 345: b"prefix"})
    assert members(old)[0].name == b"old"
    device = spoilt_header(tarfile.TarInfo("null"), {156: b"3", 257: bytes(8), 329: b"0000001\0", 337: b"0000003\0"})
    assert members(device)[0].device == (0, 0)


def test_directories_by_a_slash_are_directories_in_old_headers_only() -> None:
    assert members(spoilt_header(tarfile.TarInfo("d"), {0: b"d/", 156: b"\0"}))[0].kind == b"5"
    assert members(spoilt_header(tarfile.TarInfo("d"), {0: b"d/", 156: b"0"}))[0].kind == b"0"


def test_links_and_directories_have_no_content_whatever_their_size() -> None:
    """Go passes over no content there; a reader that did would see other entries behind it."""
    header = spoilt_header(tarfile.TarInfo("link"), {156: b"2", 157: b"to", 124: b"00000001000\0"})
    assert [each.name for each in members(header + PLAIN)] == [b"link", b"a", b"b/c"]


def test_sizes_in_base_256_count() -> None:
    header = spoilt_header(tarfile.TarInfo("big"), {124: b"\x80" + (700).to_bytes(11, "big")})
    assert [each.size for each in members(header + bytes(1024) + PLAIN)] == [700, 5, 700]


def test_a_harmless_global_header_is_passed_over() -> None:
    """As `git archive` writes one."""
    comment = pax_header(record("comment", b"0" * 40), tarfile.XGLTYPE)
    assert [each.name for each in members(comment + PLAIN)] == [b"a", b"b/c"]


def test_extended_headers_win_and_empty_ones_do_not() -> None:
    file = tarfile.TarInfo("short").tobuf(tarfile.USTAR_FORMAT)
    renamed = pax_header(record("path", b"long") + record("SCHILY.xattr.user.note", b"\0")) + file
    assert members(renamed)[0][:2] == (b"long", b"0")
    assert members(renamed)[0].attributes == (b"user.note",)
    assert members(pax_header(record("path", b"")) + file)[0].name == b"short"


def test_an_archive_may_just_end() -> None:
    assert members(PLAIN[:2560])[-1].name == b"b/c"
    assert members(b"") == []


FILE = tarfile.TarInfo("f").tobuf(tarfile.USTAR_FORMAT)
LONG = spoilt_header(tarfile.TarInfo("././@LongLink"), {156: b"L", 124: b"00000000005\0"}) + b"long\0".ljust(512, b"\0")
REFUSED = {
    "text": (b"no tar at all" * 100, "is not a tar"),
    "one bad checksum later": (PLAIN[:1024] + b"\1" + PLAIN[1025:], "no header where one should be"),
    "half a header": (PLAIN[:1200], "cut off"),
    "half a file": (PLAIN[:1800], "cut off"),
    "a lone block of zeros": (PLAIN[:1024] + bytes(512) + PLAIN[1024:], "lone block"),
    "a header and then nothing": (LONG, "announces one more entry"),
    "no name": (spoilt_header(tarfile.TarInfo("x"), {0: bytes(100)}), "without a name"),
    "an unknown kind": (spoilt_header(tarfile.TarInfo("x"), {156: b"V"}), "unknown kind"),
    "a contiguous file": (spoilt_header(tarfile.TarInfo("x"), {156: b"7"}), "unknown kind"),
    "a negative size": (spoilt_header(tarfile.TarInfo("x"), {124: b"\xff" * 12}), "for a number"),
    "a size with a sign": (spoilt_header(tarfile.TarInfo("x"), {124: b"+0000000010\0"}), "for a number"),
    "a size with an underscore": (spoilt_header(tarfile.TarInfo("x"), {124: b"0000_000010\0"}), "for a number"),
    "a GNU header with a prefix": (
        spoilt_header(tarfile.TarInfo("x"), {345: b"../../etc"}, tarfile.GNU_FORMAT), "both a GNU header and a prefix"
    ),
    "a sparse file": (spoilt_header(tarfile.TarInfo("hole"), {156: b"S"}), "entry 'hole' is a sparse file"),
    "a sparse file by records": (pax_header(record("GNU.sparse.realsize", b"99999999999")) + FILE, "sparse file"),
    "a sparse file by its version": (
        pax_header(record("GNU.sparse.major", b"1") + record("GNU.sparse.name", b"hole")) + FILE, "'hole' is a sparse"
    ),
    "two extended headers": (pax_header(record("path", b"a")) * 2 + FILE, "more than one header"),
    "a long name and an extended one": (LONG + pax_header(record("path", b"a")) + FILE, "more than one header"),
    "an extended name and a long one": (pax_header(record("path", b"a")) + LONG + FILE, "more than one header"),
    "a global header behind a long name": (
        LONG + pax_header(record("comment", b"x"), tarfile.XGLTYPE) + FILE, "more than one header"
    ),
    "a global name": (pax_header(record("path", b"all"), tarfile.XGLTYPE) + FILE, "renames all"),
    "a global size": (pax_header(record("size", b"0"), tarfile.XGLTYPE) + FILE, "renames all"),
    "a record that is too long": (pax_header(b"99 path=a\n") + FILE, "damaged extended header"),
    "a record of length nought": (pax_header(b"0 path=a\n") + FILE, "damaged extended header"),
    "a record with a sign": (pax_header(b"+9 path=a\n") + FILE, "damaged extended header"),
    "a record without =": (pax_header(b"7 path\n") + FILE, "damaged extended header"),
    "a record twice": (pax_header(record("path", b"a") + record("path", b"b")) + FILE, "not to be trusted"),
    "NUL in a name": (pax_header(record("path", b"a\0b")) + FILE, "not to be trusted"),
    "a size that is none": (pax_header(record("size", b"1e3")) + FILE, "for a size"),
    "a size below nought": (pax_header(record("size", b"-1")) + FILE, "for a size"),
    "300 records": (pax_header(b"".join(record(f"k{n}", b"") for n in range(300))) + FILE, "not to be trusted"),
    "a header of 300 kB": (pax_header(record("comment", b"x" * 300_000)) + FILE, "absurd size"),
    "a part of 256 bytes": (tar_with(entry("x" * 256)), "too long for a file system"),
    "a link target of 5000 bytes": (tar_with(symlink("x", "y/" * 2500)), "too long for a file system"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("step", [1 << 20, 333])
def test_refused(name: str, step: int) -> None:
    content, says = REFUSED[name]
    with pytest.raises(BadImage) as found:
        members(content, step)
    assert says in str(found.value)


# -- against the engine's own reader -----------------------------------------------------------------------------

FIELDS = ((0, 100), (100, 8), (124, 12), (136, 12), (156, 1), (157, 100), (257, 8), (329, 16), (345, 155), (500, 12))
VALUES = (
    b"\0", b" ", b"7", b"1", b"/", b"..", b"x", b"\x80", b"\xff", b"S", b"L", b"K", b"g", b"2", b"5", b"0",
    b"ustar\0", b"ustar  \0", b"tar\0", b"../", b"a\0b", b"-1", b"+5", b"00000000010\0", b"\x80" + bytes(10) + b"\5",
)  # fmt: skip
RECORDS = [
    record("path", b"pp/q"), record("path", b""), record("path", b"d/../e"), record("size", b"3"),
    record("size", b"512"), record("linkpath", b"d/a"), record("comment", b"c"), record("mtime", b"1.5"),
]  # fmt: skip
MADE_BY_THE_ENGINE = ("dev", "etc", "proc", "sys", ".dockerenv")


def _strange_layer(chance: random.Random) -> bytes:
    """A layer with one to three fields of its headers changed, or a header more; all checksums right."""
    long = "d/" + "n" * 60 + "/" + "m" * 60
    honest = [entry("d", type=tarfile.DIRTYPE), entry("d/a", b"hello"), symlink("d/l", "a"), hard_link("d/h", "d/a"),
              entry(long, b"x" * 700), entry("z.txt", b"end")]  # fmt: skip
    layer = bytearray(tar_with(*honest, dialect=chance.choice(DIALECTS)))
    heads = list(_heads(bytes(layer)))
    if chance.random() < 0.25:
        more = b"".join(chance.sample(RECORDS, chance.randint(1, 3)))
        at = chance.choice(heads)
        added = pax_header(more, chance.choice([tarfile.XHDTYPE, tarfile.XHDTYPE, tarfile.XGLTYPE]))
        layer[at:at] = added
        heads = [head + len(added) * (head >= at) for head in heads]
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        head, (field, length) = chance.choice(heads), chance.choice(FIELDS)
        value = chance.choice(VALUES)[:length]
        start = head + field + chance.choice([0, chance.randrange(length - len(value) + 1)])
        layer[start : start + len(value)] = value
        layer[head + 148 : head + 156] = b" " * 8
        layer[head + 148 : head + 156] = f"{sum(layer[head : head + 512]):06o}\0 ".encode()
    return bytes(layer)


def _heads(layer: bytes) -> Iterator[int]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        for each in tar:
            yield each.offset
            if each.offset_data - each.offset > 512:
                yield each.offset_data - 512


@pytest.mark.docker
def test_the_engine_sees_the_same_entries(engine: docker.DockerClient, tmp_path: Path) -> None:
    """Headers changed at random: what is accepted here, and by the engine, becomes the very same files there."""
    chance = random.Random(20)
    agreed = 0
    for turn in range(60):
        layer = _strange_layer(chance)
        path = Archive.of(tar_of({f"base{turn}": b""}), layer).write(tmp_path / "a.tar")
        with contextlib.suppress(BadImage):
            tar = images.inspect(path, Limits(), architecture="amd64")
            try:
                made = _files_in(engine, images.load(tar, "test-strange-tar"))
            finally:
                images.remove("test-strange-tar")
            wanted = {posixpath.normpath(each.name).decode("utf-8", "surrogateescape"): each for each in members(layer)}
            for name, each in wanted.items():
                assert name in made, f"turn {turn}: the engine has no {name!r}"
                if each.kind == b"0":
                    assert made[name].islnk() or made[name].size == each.size, f"turn {turn}: {name!r}"
                if each.kind == b"2":
                    assert made[name].linkname.encode("utf-8", "surrogateescape") == each.link, f"turn {turn}"
            for name in made:
                ours = any(each == name or each.startswith(f"{name}/") for each in (*wanted, f"base{turn}"))
                assert ours or name.partition("/")[0] in MADE_BY_THE_ENGINE, f"turn {turn}: the engine has {name!r}"
            agreed += 1
    assert agreed > 10


def _files_in(engine: docker.DockerClient, image: str) -> dict[str, tarfile.TarInfo]:
    container = engine.containers.create(image, ["/x"])
    try:
        with tarfile.open(fileobj=io.BytesIO(b"".join(container.export()))) as tar:
            return {posixpath.normpath(each.name): each for each in tar}
    finally:
        container.remove()
