"""Is packed with LZMA, which unpacks without a ceiling.

expect = "IMAGE_REJECTED"
says = "compressed in an unusual way"
"""

import zipfile
from pathlib import Path

from tests.sandbox.zips import zipped


def make(path: Path) -> None:
    path.write_bytes(zipped(method=zipfile.ZIP_LZMA))
