"""One layer of an image, which is a tar: nothing in it may reach outside of the image, or surprise the engine.

The rules are those of the engine's own unpacking (moby, `pkg/archive`: `Unpack`, `createTarFile` and the converter of
whiteouts), and stricter where it relies on a chroot alone.
"""

from __future__ import annotations

import posixpath

from sandbox.errors import BadImage
from sandbox.image.stream import Budget, Fatal, Stream, looks_packed
from sandbox.image.tar import (
    BLOCK_DEVICE,
    BUILD,
    CHARACTER,
    DIRECTORY,
    HARD_LINK,
    REGULAR,
    SYMLINK,
    Member,
    TarReader,
    text,
)

_HARMLESS = frozenset(((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2)))
"""null, zero, full, random, urandom, tty, console, ptmx: what debootstrap makes. 0:0 would delete files (overlayfs)."""

_ACCOUNTS = frozenset((b"etc", b"etc/passwd", b"etc/group"))
MAX_ACCOUNTS_BYTES = 1024 * 1024
"""The engine itself reads these two files at each start, and keeps every line for our group: of 15 MB it made 300."""

_PLACES = frozenset((b"input", b"output", b"submission"))

_WHITEOUT, _OPAQUE = b".wh.", b".wh..wh..opq"

Links = dict[bytes, bytes]
"""Symbolic links: normal name to target."""


def walk_layer(stream: Stream, budget: Budget) -> Links:
    """Reads a layer to the end of its tar, and returns its symbolic links.

    Raises:
        BadImage: an entry that can't be accepted, by name; or it is no tar.
        Fatal: a ceiling of the whole archive is passed.
    """
    start = stream.peek(8)
    if not start:
        raise BadImage("is empty, and no tar", remedy=BUILD)
    if looks_packed(start):
        # The engine would unpack it once more, to any size, before it compares digests.
        raise BadImage("looks like a compressed file inside a compressed file", remedy=BUILD)
    layer = _Layer(budget)
    for member in TarReader(stream):
        budget.spend_file()
        try:
            layer.check(member)
        except Fatal:
            raise
        except BadImage as error:
            raise BadImage(error.reason, entry=f"entry {text(member.name)}", remedy=error.remedy) from error
    return layer.links


class _Layer:
    """What is known of a layer so far."""

    def __init__(self, budget: Budget) -> None:
        self.links: Links = {}
        self._budget = budget
        self._files: set[int] = set()
        """Hashes of names that a hard link may point to: of 200 000 files, names would take some 30 MB."""
        self._directories: set[int] = set()
        """Hashes of those that exist, whether by an entry or because something lies in them."""
        self._clear: bytes | None = None
        """The directory checked last: most entries follow another of the same."""

    def check(self, member: Member) -> None:
        """Raises BadImage, without the entry's name."""
        name = _inside(member.name)
        self._check_parents(name)
        kind = member.kind
        if name == b".":
            if kind != DIRECTORY:
                raise BadImage("takes the place of the root directory", remedy=BUILD)
        elif _is_whiteout(name):
            return
        if any(attribute.startswith(b"trusted.") for attribute in member.attributes):
            raise BadImage("has an attribute of the engine's own file system (trusted.*)", remedy=BUILD)
        if kind == HARD_LINK:
            self._check_hard_link(member)
        elif kind == BLOCK_DEVICE or (kind == CHARACTER and member.device not in _HARMLESS):
            what = "block" if kind == BLOCK_DEVICE else "character"
            raise BadImage(f"is a {what} device", remedy="leave /dev to the container")
        if name in _ACCOUNTS:
            _check_accounts(member)
        if name in _PLACES and kind != DIRECTORY:
            raise BadImage("lies where a place of ours is mounted, and is no directory", remedy="leave it out")
        self._remember(name, member)

    def _check_parents(self, name: bytes) -> None:
        """Nothing may lie below a link: it would be written wherever that points. And the engine makes what is missing
        of a path: a name of 4 kB is 2000 directories, which count as files."""
        parent = posixpath.dirname(name)
        if parent == self._clear:
            return
        self._check_path(parent)
        self._clear = parent
        while parent and hash(parent) not in self._directories:
            self._directories.add(hash(parent))
            self._budget.spend_file()
            parent = posixpath.dirname(parent)

    def _check_path(self, path: bytes) -> None:
        while self.links and path:
            if path in self.links:
                raise BadImage(f"lies below the symbolic link {text(path)}", remedy=BUILD)
            path = posixpath.dirname(path)

    def _check_hard_link(self, member: Member) -> None:
        try:
            target = _inside(member.link)
        except BadImage as error:
            remedy = "link to files of the image only"
            raise BadImage(f"is a hard link that leaves the image ({text(member.link)})", remedy=remedy) from error
        self._check_path(posixpath.dirname(target))
        if hash(target) not in self._files:
            reason = f"is a hard link to {text(member.link)}, which is not in this layer before it"
            raise BadImage(reason, remedy=BUILD)

    def _remember(self, name: bytes, member: Member) -> None:
        target = self.links.get(posixpath.normpath(member.link)) if member.kind == HARD_LINK else None
        if member.kind == SYMLINK:
            target = member.link
            _check_symlink(name, target)
        if target is not None:  # a hard link to a link is one as well
            self._budget.spend_link(len(name) + len(target))
            self.links[name] = target
            self._clear = None
        elif self.links:
            self.links.pop(name, None)
        (self._directories if member.kind == DIRECTORY else self._files).add(hash(name))


def _inside(path: bytes) -> bytes:
    """The path in its normal form, relative to the root of the image.

    Raises:
        BadImage: it leaves the image.
    """
    if path.startswith(b"/"):
        raise BadImage("is absolute", remedy="write names relative to the root, as `docker save` does")
    if b".." in path and b".." in path.split(b"/"):
        raise BadImage("leaves the image", remedy="write names without `..`, as `docker save` does")
    return posixpath.normpath(path)


def _check_accounts(member: Member) -> None:
    if member.kind not in (DIRECTORY, REGULAR) or member.size > MAX_ACCOUNTS_BYTES:
        raise BadImage(
            f"is a list of accounts that is no plain file of at most {MAX_ACCOUNTS_BYTES >> 20} MiB",
            remedy="keep /etc/passwd and /etc/group short, and no links",
        )


def _check_symlink(name: bytes, target: bytes) -> None:
    """As the engine judges: an absolute target counts from the root of the image, whatever place that is."""
    if not target:
        raise BadImage("is a symbolic link to nothing", remedy=BUILD)
    if target.startswith(b"/") or b".." not in target:
        return
    reached = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    if reached == b".." or reached.startswith(b"../"):
        remedy = "link to a path inside the image"
        raise BadImage(f"is a symbolic link that leaves the image ({text(target)})", remedy=remedy)


def _is_whiteout(name: bytes) -> bool:
    """True for a mark that something of a lower layer is gone.

    Raises:
        BadImage: it would take away more than a file or directory beside it.
    """
    base = posixpath.basename(name)
    if not base.startswith(_WHITEOUT):
        return False
    gone = base[len(_WHITEOUT) :]
    if base != _OPAQUE and (gone in (b"", b".", b"..") or gone.startswith(_WHITEOUT)):
        raise BadImage("is a whiteout of a directory's own place", remedy=BUILD)
    return True
