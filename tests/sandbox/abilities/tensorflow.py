"""What a submission may ask of the base `tensorflow`. Run in it, as the `load()` of a submission."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers


def load() -> None:
    x = np.random.default_rng(0).random((1, 64, 64, 3), np.float32)
    image = tf.keras.Input((64, 64, 3))
    y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, 2, "same")(image)))
    y = layers.UpSampling2D(2, interpolation="bilinear")(layers.DepthwiseConv2D(3, padding="same")(y))
    net = tf.keras.Model(image, layers.Conv2DTranspose(7, 2, 2)(y))
    expected = net(x).numpy()
    threads = Counter(path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm"))
    assert threads["tf_Compute"] == int(os.environ["OMP_NUM_THREADS"]), threads

    def same(answer: object) -> None:
        np.testing.assert_allclose(np.asarray(answer), expected, rtol=1e-3, atol=1e-4)

    os.chdir("/tmp")
    net.save("net.keras")
    same(tf.keras.models.load_model("net.keras")(x))
    same(net.predict(x, verbose=0))
    net.save_weights("net.weights.h5")
    net.load_weights("net.weights.h5")
    net.save("net.h5")
    same(tf.keras.models.load_model("net.h5")(x))
    net.export("exported", verbose=False)
    exported = tf.saved_model.load("exported")  # its variables live as long as it does
    same(exported.serve(x))

    Path("net.tflite").write_bytes(tf.lite.TFLiteConverter.from_saved_model("exported").convert())
    lite = tf.lite.Interpreter("net.tflite", num_threads=int(os.environ["OMP_NUM_THREADS"]))
    lite.allocate_tensors()
    lite.set_tensor(lite.get_input_details()[0]["index"], x)
    lite.invoke()
    same(lite.get_tensor(lite.get_output_details()[0]["index"]))

    pixels = (x[0] * 255).astype(np.uint8)
    assert (tf.io.decode_image(tf.io.encode_png(pixels)).numpy() == pixels).all()
    assert tf.io.decode_image(tf.io.encode_jpeg(pixels)).shape == pixels.shape
    assert tf.function(lambda t: tf.nn.relu(t) * 2, jit_compile=True)(x).shape == x.shape
