"""What a submission may ask of the base `onnx`. Run in it, as the `load()` of a submission."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnxruntime


def load() -> None:
    model = Path(__file__).with_name("model.onnx")
    features = np.random.default_rng(0).random((1, 4, 128, 256), np.float32)
    answers = []
    for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_ALL"):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        options.optimized_model_filepath = "/tmp/optimized.onnx"
        options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
        before = len(os.listdir("/proc/self/task"))
        session = onnxruntime.InferenceSession(model, options)
        assert len(os.listdir("/proc/self/task")) - before < options.intra_op_num_threads
        binding = session.io_binding()
        binding.bind_cpu_input("features", features)
        binding.bind_output("labels")
        session.run_with_iobinding(binding)
        answers += [binding.copy_outputs_to_cpu()[0], session.run(None, {"features": features})[0]]
    again = onnxruntime.InferenceSession(Path("/tmp/optimized.onnx").read_bytes(), options)
    answers.append(again.run(None, {"features": features})[0])
    for answer in answers[1:]:
        assert (answer == answers[0]).mean() > 0.999
