"""Small disks of our own that can be filled up: the kernel then says what it says on any full disk."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

MIB = 2**20


class Disk:
    """An ext4 file system in a file, mounted at `place`. To fill it takes blocks of it, and none of this machine's."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._filler = place / "filler"

    def fill(self, leave: int = 0) -> None:
        """Takes all room but `leave` bytes."""
        found = os.statvfs(self.place)
        wanted = found.f_bavail * found.f_frsize - leave
        with self._filler.open("ab") as filler:
            while wanted > 0:
                with contextlib.suppress(OSError):
                    os.posix_fallocate(filler.fileno(), os.fstat(filler.fileno()).st_size, wanted)
                    break
                wanted //= 2
            with contextlib.suppress(OSError):
                while not leave:
                    os.write(filler.fileno(), bytes(4096))

    def clear(self) -> None:
        """Gives the room back."""
        self._filler.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Disk]:
    """A disk of that size at `place`, which is made if need be; gone at the end. Wants root and a loop device."""
    image = place.with_name(f"{place.name}.disk")
    place.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        file.truncate(megabytes * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True)
    try:
        (place / "lost+found").rmdir()
        yield Disk(place)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False, capture_output=True)
        image.unlink()
