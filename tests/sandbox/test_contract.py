"""What any engine must do to be Parakh's: only the public API of `sandbox`, against two engines.

The first is the one that DOCKER_HOST names, or the local one. The second is a daemon of its own over TCP, so that all
that works only on the same machine (cgroup files, mounts, paths) is out of reach. Run these against an engine of yours:

    DOCKER_HOST=ssh://worker make test TESTS="tests/sandbox/test_contract.py -k first"
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from sandbox import BadImage, Code, Limits, Program, SandboxUnavailable, images, sweep
from sandbox.bases import ROOT_IMAGE
from sandbox.engine import connect, is_local
from sandbox.volumes import LABEL
from tests.sandbox.archives import Archive
from tests.sandbox.guests import ECHO, MIB, PRELUDE, TIGHT, Trial, left_behind, volumes_of
from tests.sandbox.second_engine import second_engine

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module", params=["first", "second"], autouse=True)
def engine_of_contract(request: pytest.FixtureRequest, engine: docker.DockerClient) -> Iterator[docker.DockerClient]:
    """The engine that `sandbox` uses for these tests."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "first":
            yield engine
            return
        if not is_local(engine):
            pytest.skip("the first engine is not on this machine: there may be none here to start")
        with second_engine(engine) as address:
            patch.setenv("DOCKER_HOST", address)
            client = connect()
            yield client
            client.close()


@pytest.fixture
def trial(engine_of_contract: docker.DockerClient) -> Iterator[Trial]:
    """As everywhere: afterwards nothing may be left."""
    before = volumes_of(engine_of_contract)
    made = Trial()
    yield made
    assert left_behind(engine_of_contract, made.ids) == []
    assert volumes_of(engine_of_contract) <= before


ANSWER = "ready()\nquestion = hear()\n"


@dataclasses.dataclass(frozen=True)
class Case:
    """A program, a limit, and what comes of it on every engine."""

    code: str
    verdict: Code
    limits: Limits = TIGHT
    contract: str = "stream"


CASES = {
    "good": Case(ECHO, Code.OK),
    "good files": Case(
        "for n in os.listdir('/input'): open(f'/output/{n[:6]}.png', 'wb').write(b'x')", Code.OK, contract="batch"
    ),
    "never ready": Case("time.sleep(60)", Code.START_TIMEOUT, TIGHT.replace(start_seconds=1)),
    "eats memory": Case(ANSWER + "b = []\nwhile True: b.append(bytearray(1 << 20))", Code.MEMORY_LIMIT),
    "its child eats memory": Case(
        ANSWER + "if os.fork() == 0:\n    b = []\n    while True: b.append(bytearray(1 << 20))\n"
        "os.wait(); time.sleep(3)",
        Code.MEMORY_LIMIT,
    ),
    "too slow in all": Case(ECHO + "\ntime.sleep(60)", Code.TIME_LIMIT, TIGHT.replace(total_seconds=2)),
    "too slow once": Case(ANSWER + "time.sleep(60)", Code.IMAGE_TIME_LIMIT, TIGHT.replace(image_seconds=0.5)),
    "spins": Case(ANSWER + "while True: pass", Code.CPU_LIMIT, TIGHT.replace(cpu_seconds=1)),
    "floods its log": Case(ANSWER + "while True: os.write(2, bytes(4096))", Code.LOG_LIMIT),
    "fills its output": Case(
        "open('/output/x', 'wb').write(bytes(9 << 20))", Code.OUTPUT_LIMIT, contract="batch"
    ),
    "fails": Case(ANSWER + "sys.exit(3)", Code.RUNTIME_ERROR),
    "crashes": Case(ANSWER + "os.abort()", Code.KILLED),
    "gives up": Case(ANSWER + "sys.exit(0)", Code.NO_OUTPUT),
    "links its output": Case(
        "for n in os.listdir('/input'): os.symlink('/etc/passwd', f'/output/{n[:6]}.png')",
        Code.BAD_OUTPUT,
        contract="batch",
    ),
    "babbles": Case("print('hello', flush=True); time.sleep(60)", Code.PROTOCOL),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_verdict(name: str, trial: Trial) -> None:
    case = CASES[name]
    result = trial(case.code, case.limits, contract=case.contract)
    assert result.verdict.code is case.verdict, f"{result.verdict.sentence}\n{result.log.decode()}"


def test_a_fork_bomb_harms_nobody(trial: Trial, engine_of_contract: docker.DockerClient) -> None:
    """An engine on another host does not say that a fork was refused; the limit holds all the same."""
    result = trial(ANSWER + "while True:\n    if os.fork() == 0: time.sleep(60)")
    wanted = {Code.PIDS_LIMIT} if is_local(engine_of_contract) else {Code.PIDS_LIMIT, Code.RUNTIME_ERROR}
    assert result.verdict.code in wanted


def test_cancelling_ends_it(trial: Trial) -> None:
    assert trial(ANSWER + "time.sleep(60)", should_stop=lambda: True).verdict.code is Code.CANCELLED


def test_the_walls_stand(trial: Trial) -> None:
    look = """
def status(name):
    return next(line.split(":")[1].strip() for line in open("/proc/self/status") if line.startswith(name + ":"))
def tries(call):
    try:
        call()
    except OSError as error:
        return type(error).__name__
import socket
say(json.dumps([
    os.getuid(), os.getgid(), status("CapBnd"), status("NoNewPrivs"), status("Seccomp"),
    tries(lambda: open("/etc/x", "w")), tries(lambda: os.mkfifo("/tmp/x")), tries(lambda: socket.socket(16)),
    os.listdir("/sys/class/net"), [line for line in open("/etc/resolv.conf") if "nameserver" in line],
]).encode())
"""
    found = json.loads(trial.say(look))
    assert found == [
        65534, 65534, "0" * 16, "1", "2", "OSError", "PermissionError", "PermissionError",
        ["lo"], ["nameserver 127.0.0.1\n"],
    ]  # fmt: skip


def test_its_use_is_measured(trial: Trial) -> None:
    code = "block = b'x' * (24 << 20)\nend = time.monotonic() + 3\nwhile time.monotonic() < end: pass\n"
    result = trial(code + ECHO)
    assert result.verdict.ok
    assert 24 * MIB < (result.seen.memory_peak_bytes or 0) < 48 * MIB
    assert 1 < (result.seen.cpu_seconds or 0) < 5
    assert len(result.curve) > 20
    assert len(result.latencies) == 2


def test_an_image_is_checked_loaded_run_and_removed(
    trial: Trial, tmp_path: Path, engine_of_contract: docker.DockerClient
) -> None:
    program = PRELUDE + ECHO
    saved = tmp_path / "image.tar"
    command = ["python3", "-I", "-S", "-c", program]
    container = engine_of_contract.containers.create(ROOT_IMAGE, command)
    made = container.commit(f"parakh-test/{uuid.uuid4().hex[:8]}", conf={"Cmd": command})
    container.remove()
    try:
        with saved.open("wb") as file:
            file.writelines(engine_of_contract.api.get_image(made.tags[0]))
    finally:
        engine_of_contract.images.remove(made.tags[0])
    before = {str(image.id) for image in engine_of_contract.images.list()}
    run_id = trial.how().id
    loaded = images.load(images.inspect(saved, TIGHT.replace(image_layers=9)), run_id)
    try:
        assert trial(Program(image=loaded)).verdict.ok
    finally:
        images.remove(run_id)
    assert {str(image.id) for image in engine_of_contract.images.list()} == before


def test_a_forged_image_never_reaches_the_engine(tmp_path: Path, engine_of_contract: docker.DockerClient) -> None:
    stolen = engine_of_contract.images.get(ROOT_IMAGE).attrs["RootFS"]["Layers"][0]
    archive = Archive.of(b"garbage" * 200)
    archive.diff_ids = [stolen]
    before = len(engine_of_contract.images.list(all=True))
    with pytest.raises(BadImage):
        images.inspect(archive.write(tmp_path / "x.tar"), TIGHT)
    assert len(engine_of_contract.images.list(all=True)) == before


def test_what_is_not_there_is_said(trial: Trial) -> None:
    with pytest.raises(BadImage, match="no image"):
        trial(Program(image="parakh-test/none:none"))


def test_a_runtime_the_engine_lacks_is_not_the_submissions_fault(
    trial: Trial, engine_of_contract: docker.DockerClient
) -> None:
    if "runsc" in engine_of_contract.info()["Runtimes"]:
        pytest.skip("this engine has runsc: tests/sandbox/test_gvisor.py")
    with pytest.raises(SandboxUnavailable, match="no runtime 'runsc'"):
        trial(ECHO, TIGHT.replace(runtime="runsc"))


def test_leftovers_are_swept(engine_of_contract: docker.DockerClient) -> None:
    run_id = f"contract-{uuid.uuid4().hex[:8]}"
    engine_of_contract.volumes.create(f"parakh-{run_id}-x", labels={LABEL: run_id})
    engine_of_contract.containers.create(
        ROOT_IMAGE, ["sleep", "60"], labels={LABEL: run_id}, network_mode="none"
    ).start()
    assert sweep("contract-", {run_id}) == []
    kinds = sorted(what.split()[0] for what in sweep("contract-", set()))
    assert kinds == ["container", "volume"]
    assert left_behind(engine_of_contract, [run_id]) == []
