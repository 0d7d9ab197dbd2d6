"""Image archives for tests: as `docker save` writes them, or with one thing wrong."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any


def tar_of(files: dict[str, bytes]) -> bytes:
    """An uncompressed tar, e.g. a layer."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def diff_id(layer: bytes) -> str:
    return f"sha256:{hashlib.sha256(layer).hexdigest()}"


@dataclasses.dataclass
class Archive:
    """The parts of an image archive, each of which a test may spoil before it writes it."""

    layers: list[bytes]
    diff_ids: list[str]
    names: list[str]
    config: dict[str, Any]
    tags: list[str]
    extra: list[tuple[tarfile.TarInfo, bytes]] = dataclasses.field(default_factory=list)
    manifest: Any = None

    @classmethod
    def of(cls, *layers: bytes, command: tuple[str, ...] = ("/true",), tags: tuple[str, ...] = ()) -> Archive:
        """An honest archive of these layers."""
        return cls(
            layers=list(layers),
            diff_ids=[diff_id(layer) for layer in layers],
            names=[f"layer{number}/layer.tar" for number in range(len(layers))],
            config={"architecture": "amd64", "os": "linux", "config": {"Cmd": list(command)}},
            tags=list(tags),
        )

    def add(self, name: str, content: bytes = b"", **header: Any) -> Archive:
        """One more entry, at the beginning."""
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        for field, value in header.items():
            setattr(entry, field, value)
        self.extra.append((entry, content))
        return self

    def config_bytes(self) -> bytes:
        return json.dumps(self.config | {"rootfs": {"type": "layers", "diff_ids": self.diff_ids}}).encode()

    def bytes(self) -> bytes:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for entry, content in self.extra:
                tar.addfile(entry, io.BytesIO(content))
            manifest = self.manifest
            if manifest is None:
                manifest = [{"Config": "config.json", "RepoTags": self.tags, "Layers": self.names}]
            files = dict(zip(self.names, self.layers, strict=True))
            files |= {"config.json": self.config_bytes(), "manifest.json": json.dumps(manifest).encode()}
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        return packed.getvalue()

    def write(self, path: Path) -> Path:
        path.write_bytes(self.bytes())
        return path


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=1)
