"""What a layer may hold: real ones pass, and nothing in one reaches outside of the image."""

from __future__ import annotations

import tarfile

import pytest

from sandbox import BadImage
from sandbox.image.admission import leads_to_the_kernel
from sandbox.image.layer import walk_layer
from sandbox.image.stream import Budget, Stream
from tests.sandbox.archives import device, entry, hard_link, pax_header, record, symlink, tar_with
from tests.sandbox.guests import MIB


def directory(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.DIRTYPE)


def walk(content: bytes) -> dict[bytes, bytes]:
    return walk_layer(Stream(iter([content])), Budget(MIB, 1000))


ACCEPTED = {
    "the root itself": [directory("."), directory("./etc"), entry("./etc/passwd")],
    "a setuid file": [entry("usr/bin/su", mode=0o4755)],
    "an absolute link": [symlink("etc/alternatives/x", "/usr/bin/x"), symlink("usr/bin/y", "/etc/alternatives/x")],
    "an absolute link that climbs": [symlink("x", "/../../etc")],
    "a link upwards, inside": [symlink("usr/lib/x", "../../lib/x"), symlink("usr/lib/y", "../..")],
    "a link into the kernel's places": [symlink("etc/mtab", "../proc/mounts"), symlink("dev/fd", "/proc/self/fd")],
    "a link that leads nowhere": [symlink("x", "no/such/thing")],
    "hard links inside": [entry("a/b"), hard_link("c", "a/b"), hard_link("d", "./a/b")],
    "a hard link to a link": [symlink("a", "b"), hard_link("c", "a")],
    "whiteouts": [entry("etc/.wh.passwd"), entry("var/.wh..wh..opq"), entry(".wh.x")],
    "a whiteout that is a hard link": [entry(".wh.x"), hard_link(".wh.y", ".wh.x")],
    "a FIFO": [entry("run/initctl", type=tarfile.FIFOTYPE)],
    "devices of debootstrap": [
        device(f"dev/{name}", tarfile.CHRTYPE, major, minor)
        for name, major, minor in (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8),
                                   ("urandom", 1, 9), ("tty", 5, 0), ("console", 5, 1), ("ptmx", 5, 2))
    ],
    "long and foreign names": [entry("x/" + "é" * 120), entry("🙂"), entry("a b\nc"), entry("y" * 255)],
    "a file over a link": [symlink("a", "/etc"), directory("a"), entry("a/x")],
    "a name with dots": [entry("..data/...x"), symlink("x", "..data")],
    "nothing": [],
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
@pytest.mark.parametrize("dialect", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["gnu", "pax"])
def test_what_real_images_hold_is_accepted(name: str, dialect: int) -> None:
    walk(tar_with(*ACCEPTED[name], dialect=dialect))


def test_file_capabilities_are_accepted() -> None:
    """`ping` has them; a container of ours gains nothing by them."""
    head = pax_header(record("SCHILY.xattr.security.capability", b"\1\0\0\2\0\x20\0\0" + bytes(12)))
    walk(head + tar_with(entry("usr/bin/ping")))


LEAVES = "leaves the image"
REFUSED = {
    "a name that climbs": ([entry("../../etc/cron.d/x")], LEAVES),
    "a name that climbs later": ([entry("a/../../x")], LEAVES),
    "a name that climbs and comes back": ([entry("a/../b")], LEAVES),
    "a name that is all dots": ([directory("..")], LEAVES),
    "an absolute name": ([entry("/etc/passwd")], "is absolute"),
    "two slashes": ([entry("//etc/passwd")], "is absolute"),
    "a link that climbs": ([symlink("x", "../etc")], "is a symbolic link that leaves the image ('../etc')"),
    "a link that climbs from deeper": ([symlink("a/b/x", "../../../etc")], "symbolic link that leaves"),
    "a link that climbs, then falls": ([symlink("a/x", "b/../../../etc")], "symbolic link that leaves"),
    "a link to nothing": ([symlink("x", "")], "symbolic link to nothing"),
    "a hard link that climbs": ([hard_link("x", "../../../etc/shadow")], "is a hard link that leaves the image"),
    "an absolute hard link": ([hard_link("x", "/etc/shadow")], "is a hard link that leaves the image"),
    "a hard link into another layer": ([hard_link("x", "etc/shadow")], "which is not in this layer before it"),
    "a hard link forwards": ([hard_link("x", "y"), entry("y")], "which is not in this layer before it"),
    "a hard link to a directory": ([directory("d"), hard_link("x", "d")], "which is not in this layer before it"),
    "a hard link through a link": (
        [symlink("a", "/etc"), hard_link("x", "a/shadow")], "lies below the symbolic link 'a'"
    ),
    "a file below a link": ([symlink("a", "/etc"), entry("a/shadow")], "lies below the symbolic link"),
    "a file deep below a link": ([symlink("a", "b"), entry("a/x/y/z")], "lies below the symbolic link"),
    "a file below a link, among others": (
        [entry("a/x"), symlink("a/l", "/"), entry("a/y"), entry("a/l/z")], "lies below the symbolic link"
    ),
    "a link below a link": ([symlink("a", "."), symlink("a/b", "c")], "lies below the symbolic link"),
    "a whiteout below a link": ([symlink("a", "/etc"), entry("a/.wh.passwd")], "lies below the symbolic link"),
    "a file below a hard link to a link": (
        [symlink("a", "/etc"), hard_link("b", "a"), entry("b/x")], "lies below the symbolic link"
    ),
    "a block device": ([device("dev/sda", tarfile.BLKTYPE, 8, 0)], "is a block device"),
    "a block device with harmless numbers": ([device("dev/null", tarfile.BLKTYPE, 1, 3)], "is a block device"),
    "the host's memory": ([device("dev/mem", tarfile.CHRTYPE, 1, 1)], "is a character device"),
    "a FUSE device": ([device("dev/fuse", tarfile.CHRTYPE, 10, 229)], "is a character device"),
    "the mark of overlayfs that deletes": ([device("usr", tarfile.CHRTYPE, 0, 0)], "is a character device"),
    "a link in place of the groups": ([symlink("etc/group", "/opt/large")], "list of accounts"),
    "a link in place of our input": ([symlink("input", "/")], "a place of ours is mounted"),
    "a link in place of /etc": ([symlink("etc", "opt")], "list of accounts"),
    "a link in place of the root": ([symlink("./", "/etc")], "place of the root"),
    "a file in place of the root": ([entry(".")], "place of the root"),
    "a whiteout of the directory": ([entry("a/.wh..")], "whiteout of a directory's own place"),
    "a whiteout of what is above": ([entry("a/.wh...")], "whiteout of a directory's own place"),
    "a whiteout of everything": ([entry(".wh...")], "whiteout of a directory's own place"),
    "a whiteout of nothing": ([entry("a/.wh.")], "whiteout of a directory's own place"),
    "a place of aufs": ([entry(".wh..wh.plnk/x"), entry(".wh..wh.orph")], "whiteout of a directory's own place"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("dialect", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["gnu", "pax"])
def test_refused(name: str, dialect: int) -> None:
    entries, says = REFUSED[name]
    with pytest.raises(BadImage) as found:
        walk(tar_with(*entries, dialect=dialect))
    assert says in str(found.value)
    assert found.value.entry.startswith("entry ")
    assert found.value.remedy


@pytest.mark.parametrize("name", ["trusted.overlay.opaque", "trusted.overlay.redirect", "trusted.x"])
def test_attributes_of_the_engines_own_file_system_are_refused(name: str) -> None:
    with pytest.raises(BadImage, match="trusted"):
        walk(pax_header(record(f"SCHILY.xattr.{name}", b"y")) + tar_with(directory("etc")))


def test_directories_that_no_entry_names_count_once() -> None:
    budget = Budget(MIB, 1000)
    walk_layer(Stream(iter([tar_with(entry("a/b/c/1"), entry("a/b/c/2"), directory("a/b"), entry("a/b/d"))])), budget)
    assert budget.files == 4 + 3


def test_links_are_remembered_by_their_plain_names() -> None:
    found = walk(tar_with(symlink("./a/b", "/c"), symlink("x", "y"), entry("x"), hard_link("z", "a/b")))
    assert found == {b"a/b": b"/c", b"z": b"/c"}


@pytest.mark.parametrize(
    ("path", "links", "leads"),
    [
        ("/app", {}, False),
        ("/", {}, False),
        ("/app", {b"app": b"/srv"}, False),
        ("/app", {b"app": b"/proc/self/fd/8"}, True),
        ("/app", {b"app": b"proc/self/fd/8"}, True),
        ("/app/x/y", {b"app/x": b"../sys"}, True),
        ("/a", {b"a": b"b", b"b": b"c", b"c": b"/dev/fd"}, True),
        ("/a/self/fd/8", {b"a": b"/proc"}, True),
        ("/a/../proc", {}, True),
        ("/a/../../../proc", {b"a": b"/x/y"}, True),
        ("/a/../app", {b"a": b"/proc/self"}, True),
        ("/srv/proc", {}, False),
        ("/srv/dev/sys", {b"dev": b"x"}, False),
        ("/a", {b"a": b"a"}, False),
        ("/a", {b"a": b"b", b"b": b"a"}, False),
        ("/a", {b"a": b"a/a"}, True),
        ("/processing", {b"x": b"/proc"}, False),
    ],
)
def test_a_path_is_followed_through_links(path: str, links: dict[bytes, bytes], leads: bool) -> None:
    """Where links lead nowhere in reasonable time, it is taken for a yes."""
    assert leads_to_the_kernel(path, [{}, links]) is leads


def test_links_of_several_layers_are_joined() -> None:
    assert leads_to_the_kernel("/app", [{b"app": b"here"}, {b"here": b"/proc/1"}])
    assert leads_to_the_kernel("/app", [{b"app": b"/proc/1"}, {b"app": b"/srv"}]), "a later layer may be covered again"
