"""The whole evaluation in real containers: each way to submit gives the same score, and each fault has its owner."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import numpy as np
import pytest
from PIL import Image

from evaluator.datasets import Dataset
from evaluator.errors import PlatformError
from evaluator.label_maps import at_score_size
from evaluator.metrics import confusion_matrix, scores
from evaluator.pipeline import Progress, evaluate, guess_kind
from evaluator.report import Report
from sandbox import Code, Limits
from sandbox.bases import ROOT_IMAGE, base_image
from sandbox.bases.build import build
from sandbox.engine import connect
from sandbox.volumes import LABEL
from tests.evaluator.pictures import NATIVE, labels, png
from tests.sandbox.archives import tar_of
from tests.sandbox.guests import PRELUDE

pytestmark = pytest.mark.docker

LIMITS = Limits(memory_bytes=512 * 1024**2, start_seconds=40, image_seconds=20, total_seconds=90)

RULE = "np.minimum(image[..., 1] // 40 + (np.arange(len(image)) < 90)[:, None], 6).astype(np.uint8)"
"""A model that is wrong in a way of its own: brightness, and whether it is high in the picture."""

PREDICT = f"import sys\nimport numpy as np\nprint('hello from predict')\ndef predict(image):\n    return {RULE}\n"

SERVE = f"""
import io
import numpy as np
from PIL import Image
from parakh import serve
def answer(request):
    image = np.asarray(Image.open(io.BytesIO(request)).convert("RGB"))
    out = io.BytesIO()
    Image.fromarray({RULE}).save(out, "PNG")
    return out.getvalue()
print("hello from answer", flush=True)
serve(answer)
"""


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The engine, with the bases built. Fails, and never skips, where there is none."""
    build("pytorch")
    client = connect()
    yield client
    client.close()


@pytest.fixture(autouse=True)
def nothing_left(engine: docker.DockerClient) -> Iterator[None]:
    """Evaluations here have ids of their own; afterwards nothing of them may be left."""

    def mine() -> set[str]:
        found = {
            f"container {c.id}" for c in engine.containers.list(all=True, filters={"label": LABEL}) if _ours(c.labels)
        }
        found |= {f"volume {v.name}" for v in engine.volumes.list(filters={"label": LABEL}) if _ours(v.attrs["Labels"])}
        return found | {
            tag for image in engine.images.list("parakh/upload") for tag in image.tags if ":pipetest-" in tag
        }

    yield
    assert mine() == set()


def _ours(labels_: dict[str, str]) -> bool:
    return labels_[LABEL].startswith("pipetest-")


def judged(submission: Path | str, dataset: Dataset, **given: Any) -> Report:
    run_id = f"pipetest-{os.urandom(5).hex()}"
    return evaluate(submission, dataset, given.pop("limits", LIMITS), run_id=run_id, **given)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "predict.py").write_text(PREDICT)
    return folder


def as_zip(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.rglob("*"):
            archive.write(file, file.relative_to(folder))
    return path


@pytest.fixture(scope="module")
def baked(engine: docker.DockerClient) -> Iterator[str]:
    """An image of its own: the base, a program that uses the helper, and an entry point."""
    name = "parakh-test/baked-model:latest"
    container = engine.containers.create(base_image("pytorch"))
    container.put_archive("/opt", tar_of({"serve.py": SERVE.encode()}))
    container.commit(*name.split(":"), conf={"Entrypoint": ["python3", "/opt/serve.py"], "WorkingDir": "/tmp"})
    container.remove()
    yield name
    engine.images.remove(name, force=True)


@pytest.fixture(scope="module")
def expected(val: Dataset) -> dict[str, Any]:
    """The same model and score without any container."""
    matrices = []
    for index, item in enumerate(val.items):
        image = np.asarray(Image.open(item.image).convert("RGB"))
        answer = eval(RULE, {"np": np, "image": image})
        matrices.append(confusion_matrix(val.truth(index), at_score_size(Image.fromarray(answer))))
    return scores(matrices).as_dict()


def test_a_directory_and_its_zip_score_the_same_whatever_the_order(
    code: Path, val: Dataset, expected: dict[str, Any]
) -> None:
    stages: list[Progress] = []
    from_folder = judged(code, val, seed=1, on_progress=stages.append)
    from_zip = judged(as_zip(code), val, seed=2)
    for report in (from_folder, from_zip):
        assert report.verdict.ok, report.verdict.sentence + report.log
        assert report.scores is not None
        assert report.scores.as_dict() == expected
        assert report.images_done == report.images_total == 4
        assert "hello from predict" in report.log
        found = report.measurements
        assert len(found.latencies) == 4
        assert found.image_bytes == len(PREDICT)
        assert 0 < (found.latency_median_seconds or 0) <= (found.latency_p90_seconds or 0) < 20
        assert (found.memory_peak_bytes or 0) > 5 * 1024**2
        json.dumps(report.as_dict(), allow_nan=False)
    assert (from_folder.seed, from_zip.seed) == (1, 2)
    assert val.order(1) != val.order(2)
    assert stages == [
        Progress("admitting", 0, 4), *(Progress("running", done, 4) for done in range(5)), Progress("scoring", 4, 4)
    ]  # fmt: skip


def test_a_seed_is_drawn_and_kept(code: Path, val: Dataset) -> None:
    (code / "predict.py").unlink()
    seeds = {judged(code, val).seed for _ in range(8)}
    assert len(seeds) == 8
    assert max(seeds) > 2**40


@pytest.mark.parametrize("contract", ["stream", "batch"])
def test_an_image_scores_the_same_by_either_contract(
    contract: Any, baked: str, val: Dataset, expected: dict[str, Any]
) -> None:
    report = judged(baked, val, contract=contract)
    assert report.verdict.ok, report.verdict.sentence + report.log
    assert report.scores is not None
    assert report.scores.as_dict() == expected
    assert bool(report.measurements.latencies) == (contract == "stream")


def test_an_image_tar_scores_the_same_and_leaves_the_engine_as_it_was(
    engine: docker.DockerClient, baked: str, val: Dataset, expected: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "model.tar"
    with path.open("wb") as file:
        for chunk in engine.images.get(baked).save(named=True):
            file.write(chunk)
    before = {str(image.id): image.tags for image in engine.images.list()}
    report = judged(path, val)
    assert report.verdict.ok, report.verdict.sentence + report.log
    assert report.scores is not None
    assert report.scores.as_dict() == expected
    assert {str(image.id): image.tags for image in engine.images.list() if str(image.id) in before} == before


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: (folder / "c.zip").write_bytes(b"PK not a zip"), "not a whole zip file"),
        (lambda folder: (folder / "c.tar").write_bytes(bytes(10240)), "the archive is empty"),
        (lambda folder: (folder / "c.tar").write_text("no archive"), "is not a tar"),
        (lambda folder: (folder / "c").mkdir(), "no predict.py"),
        (lambda folder: zipfile.ZipFile(folder / "c.zip", "w").close(), "no predict.py"),
    ],
)
def test_what_cannot_be_read_is_rejected(make: Any, says: str, val: Dataset, tmp_path: Path) -> None:
    make(tmp_path)
    report = judged(next(tmp_path.glob("c*")), val)
    assert report.verdict.code is Code.IMAGE_REJECTED
    assert says in report.verdict.sentence
    assert report.scores is None
    assert report.log == ""
    json.dumps(report.as_dict(), allow_nan=False)


@pytest.mark.parametrize("name", ["parakh/nowhere", "Not A Name", "./model.zip", ""])
def test_an_image_there_is_not_is_rejected(name: str, val: Dataset) -> None:
    assert judged(name, val, kind="image").verdict.code is Code.IMAGE_REJECTED


def test_an_unknown_base_is_rejected_and_a_missing_one_is_our_fault(
    code: Path, val: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = judged(code, val, base="cobol")
    assert report.verdict.code is Code.IMAGE_REJECTED
    assert "unknown base 'cobol'; there are pytorch" in report.verdict.sentence
    monkeypatch.setattr("evaluator.pipeline.base_image", lambda name: "parakh/base-never-built:latest")
    with pytest.raises(PlatformError, match="python -m sandbox build pytorch") as fault:
        judged(code, val)
    assert fault.value.code is Code.ENGINE_FAULT


def test_an_engine_that_does_not_answer_is_our_fault(
    code: Path, val: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(PlatformError, match="no Docker Engine answers") as fault:
        judged(code, val)
    assert fault.value.code is Code.ENGINE_FAULT


def test_labels_that_cannot_be_read_are_our_fault(code: Path, scenes: Path, val: Dataset, tmp_path: Path) -> None:
    data = Path(shutil.copytree(scenes, tmp_path / "data"))
    spoiled = Dataset.open(data, "val")
    spoiled.items[2].label.write_bytes(b"spoiled")
    with pytest.raises(PlatformError, match=r"000002_label\.png: it is not a PNG file") as fault:
        judged(code, spoiled)
    assert fault.value.code is Code.SCORER_FAULT
    spoiled.items[2].image.unlink()
    with pytest.raises(PlatformError) as fault:
        judged(code, spoiled)
    assert fault.value.code is Code.DISK_FAULT


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (png(Image.new("RGB", NATIVE)), "8-bit RGB; 8-bit greyscale (mode L) is needed"),
        (png(labels((100, 100))), "100 x 100; 320 x 227 or 256 x 128 is needed"),
        (b"", "it is empty"),
    ],
    ids=["RGB", "wrong size", "empty"],
)
def test_a_bad_answer_is_named_with_its_number(
    answer: bytes, says: str, engine: docker.DockerClient, val: Dataset
) -> None:
    good = png(np.zeros((128, 256), np.uint8))
    body = f"ready()\nhear(); say({good!r})\nhear(); say({answer!r})\ntime.sleep(30)"
    container = engine.containers.create(ROOT_IMAGE, ["true"])
    command = ["python3", "-I", "-S", "-c", PRELUDE + body]
    image = container.commit("parakh-test/bad-answer", conf={"Entrypoint": command, "Cmd": None})
    container.remove()
    try:
        report = judged(str(image.id), val)
    finally:
        engine.images.remove("parakh-test/bad-answer", force=True)
    assert report.verdict.code is Code.BAD_OUTPUT
    assert report.verdict.sentence == f"Answer 2 of 4 is not a label map: {report.verdict.sentence.split(': ')[1]}"
    assert says in report.verdict.sentence
    assert report.scores is None
    assert report.images_done == 1


@pytest.mark.parametrize(
    ("source", "code_", "says"),
    [
        ("x = 1", Code.RUNTIME_ERROR, "predict.py must define predict"),
        ("def predict(image):\n    return image", Code.RUNTIME_ERROR, "two-dimensional uint8"),
        ("def predict(image):\n    raise KeyError('weights')", Code.RUNTIME_ERROR, "KeyError: 'weights'"),
        ("import no_such_module", Code.RUNTIME_ERROR, "No module named 'no_such_module'"),
        ("import numpy as np\ndef predict(image):\n    return np.full(image.shape[:2], 255, np.uint8)", Code.OK, ""),
    ],
)
def test_what_goes_wrong_in_predict_is_in_the_log(
    source: str, code_: Code, says: str, code: Path, val: Dataset
) -> None:
    (code / "predict.py").write_text(source)
    report = judged(code, val)
    assert report.verdict.code is code_, report.log
    assert says in report.log
    if code_ is Code.OK:
        assert report.scores is not None
        assert report.scores.miou == 0.0


def test_a_submissions_own_parakh_py_does_not_replace_the_helper(code: Path, val: Dataset) -> None:
    (code / "parakh.py").write_text("raise SystemExit('the wrong helper')")
    assert judged(code, val).verdict.ok


def test_kinds_are_told_apart(code: Path, tmp_path: Path) -> None:
    (tmp_path / "model.tar").write_bytes(tar_of({"x": b""}))
    told: dict[Path | str, str] = {
        as_zip(code): "code",
        code: "code",
        tmp_path / "model.tar": "image",
        "parakh/x": "image",
    }
    assert {key: guess_kind(key) for key in told} == told


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "evaluator", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=120, env=os.environ | environment,
    )  # fmt: skip


def test_the_command_prints_the_report_and_its_status_is_the_verdict(
    code: Path, scenes: Path, expected: dict[str, Any]
) -> None:
    done = command("run", code, "--data", scenes, "--split", "val", "--profile", "laptop", "--seed", 3, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["verdict"], found["seed"], found["images_done"]) == ("OK", 3, 4)
    assert found["scores"] == expected
    (code / "predict.py").write_text("raise SystemExit(5)")
    failed = command("run", as_zip(code), "--data", scenes)
    assert failed.returncode == 1
    assert failed.stdout.startswith("RUNTIME_ERROR: The program ended with exit code 5 before it was ready")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--data", "/no/such/place"), "no images of split 'val': there is no leftImg8bit/ in it"),
        (("--data", "{scenes}", "--split", "test"), "it has the splits train, val"),
        (("--data", "{scenes}", "--memory", "1k"), "memory_bytes is 1,024"),
        ((), "--data"),
    ],
)
def test_what_cannot_be_evaluated_is_status_two(
    arguments: tuple[str, ...], says: str, code: Path, scenes: Path
) -> None:
    done = command("run", code, *(argument.format(scenes=scenes) for argument in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_without_an_engine_the_command_is_status_two(code: Path, scenes: Path, tmp_path: Path) -> None:
    done = command("run", code, "--data", scenes, DOCKER_HOST=f"unix://{tmp_path}/no.sock")
    assert done.returncode == 2
    assert "no Docker Engine answers" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_check_command_names_what_is_wrong(scenes: Path, tmp_path: Path) -> None:
    assert command("check", scenes).returncode == 0
    data = Path(shutil.copytree(scenes, tmp_path / "data"))
    label = sorted((data / "gtFine" / "val").glob("*/*"))[0]
    label.write_bytes(b"")
    done = command("check", data)
    assert done.returncode == 1
    assert done.stdout.strip() == f"{label}: it is empty"


def test_the_helper_works_without_a_container() -> None:
    """What a participant tries first: the helper alone, on the own machine."""
    helper = Path(sys.modules["sandbox.bases"].__file__ or "").parent / "guest"
    script = f"import sys\nsys.path.insert(0, {str(helper)!r})\nfrom parakh import serve\nprint('hi')\n"
    script += "serve(lambda request: request[::-1])"
    questions = b"".join(len(q).to_bytes(4, "big") + q for q in (b"abc", b""))
    environment = os.environ | {"PARAKH_CONTRACT": "stream"}
    alone = [sys.executable, "-c", script]
    done = subprocess.run(alone, input=questions, capture_output=True, check=False, timeout=30, env=environment)
    assert done.returncode == 0, done.stderr
    out = io.BytesIO(done.stdout)
    said = []
    while header := out.read(4):
        said.append(out.read(int.from_bytes(header, "big")))
    assert json.loads(said[0]) == {"parakh": 1, "ready": True}
    assert said[1:] == [b"cba", b""]
    assert done.stderr == b"hi\n"
    cut = subprocess.run(alone, input=questions[:6], capture_output=True, check=False, timeout=30, env=environment)
    assert b"the input ended in the middle of a message" in cut.stderr
