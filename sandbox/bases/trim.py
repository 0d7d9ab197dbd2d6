"""Takes out of unpacked wheels what inference never loads: half of PyTorch's and of TensorFlow's bytes.

Licences stay, and so does every module that a public one imports: `torch.testing` and `torch._inductor`, for example,
are needed by `import torch` and by `torch.export.load`.
"""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

USELESS = (
    "bin",  # command-line tools
    "**/tests",
    "**/*_test.py",
    "**/*.pyi",
    # torch: headers, C++ tests, protoc. `torch_shm_manager` is looked for by `import torch`.
    "torch/include",
    "torch/share",
    "torch/test",
    "torch/bin/test_*",
    "torch/bin/[!t]*",
    "torch/lib/*test*",
    # The Python module has the runtime in it: this is a second one, for programs in C.
    "onnxruntime/capi/libonnxruntime.so*",
    # Making, converting and quantizing models.
    "onnxruntime/backend",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "tensorflow/include",
    "tensorflow/xla_aot_runtime_src",
    "tensorflow/compiler/mlir/stablehlo/stablehlo_extension.so",
)

_ELF64_LITTLE = b"\x7fELF\x02\x01"


def trim(packages: Path) -> int:
    """Removes what is useless, and the symbol tables of what remains. Returns the bytes saved.

    Raises:
        OSError: a file could not be read or written.
    """
    before = _bytes_in(packages)
    for pattern in USELESS:
        for path in list(packages.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)  # may have gone with a directory above it
    for path in packages.rglob("*"):
        if path.is_file() and not path.is_symlink():
            _drop_symbol_table(path)
    return before - _bytes_in(packages)


def _drop_symbol_table(library: Path) -> None:
    """Cuts a shared library off behind its last segment: only debuggers read what follows, and a fourth of it does.

    The same bytes as `strip` (seen: 99 MB of torch, 253 MB of TensorFlow), but for any architecture and without
    binutils on this machine. The section headers lie behind too, so the ELF header must stop pointing at them.
    """
    with library.open("r+b") as file:
        header = file.read(64)
        if len(header) < 64 or not header.startswith(_ELF64_LITTLE):
            return
        (segments_at,) = struct.unpack_from("<Q", header, 32)
        entry_bytes, entries = struct.unpack_from("<HH", header, 54)
        file.seek(segments_at)
        table = file.read(entry_bytes * entries)
        end = segments_at + len(table)
        for entry in range(0, len(table), entry_bytes):
            offset, _, _, in_file = struct.unpack_from("<QQQQ", table, entry + 8)
            end = max(end, offset + in_file)
        if end >= os.fstat(file.fileno()).st_size:
            return
        file.truncate(end)
        file.seek(40)
        file.write(bytes(8))  # e_shoff
        file.seek(58)
        file.write(bytes(6))  # e_shentsize, e_shnum, e_shstrndx


def _bytes_in(directory: Path) -> int:
    return sum(path.lstat().st_size for path in directory.rglob("*") if not path.is_dir())
