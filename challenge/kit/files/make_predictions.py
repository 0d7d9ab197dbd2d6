"""Label maps of a folder of images, packed as the site takes them. Needs numpy and Pillow.

python predictions/make_predictions.py scenes/leftImg8bit/val predictions.zip
"""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "code"))

import predict as model

if len(sys.argv) != 3:
    sys.exit(__doc__)
images, target = Path(sys.argv[1]), Path(sys.argv[2])
found = sorted([*images.rglob("*_image.jpg"), *images.rglob("*_image.png")])
if not found:
    sys.exit(f"{images} has no DRIVE/FRAME_image.jpg below it")
model.load()
with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
    for path in found:
        with Image.open(path) as image:
            labels = model.predict(np.asarray(image.convert("RGB")))
        png = io.BytesIO()
        Image.fromarray(labels).save(png, "PNG")
        name = path.name.rsplit("_image.", 1)[0]
        archive.writestr(f"{path.parent.name}/{name}_label.png", png.getvalue())
print(f"{target} holds {len(found)} label maps")
