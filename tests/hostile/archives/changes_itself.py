"""Writes to its own folder, to be another the next time.

expect = "OK"
"""

from pathlib import Path

from tests.sandbox.zips import plain_zip

PREDICT = """
import os
attempts = (
    lambda: open("/submission/predict.py", "w"), lambda: open("/submission/new", "w"),
    lambda: os.unlink("/submission/predict.py"), lambda: os.chmod("/submission/predict.py", 0o777),
    lambda: open("/opt/parakh/run_code.py", "w"),
)
for attempt in attempts:
    try:
        attempt()
    except OSError:
        continue
    os._exit(9)
def predict(image):
    return image[..., 0] * 0
"""


def make(path: Path) -> None:
    path.write_bytes(plain_zip(("predict.py", PREDICT.encode())))
