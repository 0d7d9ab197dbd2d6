"""gVisor as the runtime: what is the same, what differs (runtimes.py), and what happens when it hangs.

Where the engine has no `runsc`, these tests are skipped and say so; `make test` registers it on Debian.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time

import docker
import pytest

from sandbox import Code, Limits, cgroups, leftovers, sweep
from sandbox.bases import ROOT_IMAGE
from tests.sandbox.guests import ECHO, MIB, TIGHT, Answers, Trial, left_behind, until

pytestmark = pytest.mark.docker

LIMITS = TIGHT.replace(runtime="runsc", memory_bytes=128 * MIB)


@pytest.fixture(autouse=True)
def _runsc(engine: docker.DockerClient) -> None:
    if "runsc" not in engine.info()["Runtimes"]:
        pytest.skip("this engine has no runtime runsc; docs/operators.md says how to add it")


@pytest.mark.parametrize("contract", ["stream", "batch"])
def test_it_keeps_both_contracts(trial: Trial, contract: str) -> None:
    copy = "for n in sorted(os.listdir('/input')): open(f'/output/{n[:6]}.png', 'wb').write(b'answer')"
    result = trial(ECHO if contract == "stream" else copy, LIMITS, contract=contract)
    assert result.verdict.ok, result.verdict.sentence
    assert result.engine["runtime"] == "runsc"


def test_the_program_has_a_kernel_of_its_own(trial: Trial) -> None:
    look = "say(json.dumps([os.uname().release, os.getuid(), os.cpu_count(), os.listdir('/sys/class/net')]).encode())"
    kernel, user, cores, interfaces = json.loads(trial.say(look, LIMITS))
    assert kernel != os.uname().release
    assert (user, cores, interfaces) == (65534, 1, ["lo"])


@pytest.mark.parametrize("contract", ["stream", "batch"])
def test_the_hosts_null_device_stays_the_hosts(trial: Trial, contract: str) -> None:
    before = os.stat("/dev/null")
    attack = "for change in (lambda: os.utime('/dev/null', (1, 1)), lambda: os.chmod('/dev/null', 0)):\n"
    trial(attack + "    try: change()\n    except OSError: pass\n" + ECHO, LIMITS, contract=contract)
    after = os.stat("/dev/null")
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert after.st_mtime > 1000


def test_its_use_is_measured(trial: Trial) -> None:
    code = "block = bytearray(40 << 20)\nfor i in range(0, len(block), 4096): block[i] = 1\n"
    spin = "end = time.process_time() + 0.5\nwhile time.process_time() < end: pass\n"
    result = trial(code + spin + ECHO, LIMITS)
    assert result.verdict.ok
    assert 40 * MIB < (result.seen.memory_peak_bytes or 0) < 90 * MIB
    assert 0.5 < (result.seen.cpu_seconds or 0) < 5


@pytest.mark.parametrize("processes", [1, TIGHT.pids - 1])
def test_as_many_processes_as_the_limit_says_do_start(trial: Trial, processes: int) -> None:
    code = f"for n in range({processes}):\n    if os.fork() == 0: time.sleep(30)\n" + ECHO
    assert trial(code, LIMITS.replace(memory_bytes=512 * MIB)).verdict.ok


def test_a_fork_bomb_ends_at_the_pid_or_the_memory_limit(trial: Trial) -> None:
    bomb = "ready(); hear()\nwhile True:\n    if os.fork() == 0: time.sleep(30)"
    assert trial(bomb, LIMITS).verdict.code in (Code.PIDS_LIMIT, Code.MEMORY_LIMIT)
    assert trial(bomb, LIMITS.replace(memory_bytes=2048 * MIB)).verdict.code is Code.PIDS_LIMIT


def _processes_of(run_id: str) -> list[int]:
    found: set[int] = set()
    for pattern in (f"*/parakh/{run_id}/*", f"parakh*/{run_id}/*"):
        for tasks in cgroups.ROOT.glob(f"{pattern}/cgroup.procs"):
            found.update(int(number) for number in tasks.read_text().split())
    return sorted(found)


def test_a_sandbox_that_hangs_is_killed_over_the_engines_head(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its control server does not answer: `docker kill` and `docker rm -f` hang until its processes are gone."""
    monkeypatch.setattr(leftovers, "KILL_SECONDS", 3.0)
    monkeypatch.setattr(leftovers, "REMOVE_SECONDS", 3.0)
    stopped: list[int] = []

    def freeze(done: int) -> None:
        stopped.extend(_processes_of(trial.ids[-1]))
        for process in stopped:
            os.kill(process, signal.SIGSTOP)

    limits: Limits = LIMITS.replace(image_seconds=1.0)
    result = trial("ready(); say(hear()); hear(); time.sleep(60)", limits, Answers(total=2), on_progress=freeze)
    assert result.verdict.code is Code.IMAGE_TIME_LIMIT
    assert stopped
    until(lambda: not any(os.path.exists(f"/proc/{process}") for process in stopped))
    assert left_behind(docker.from_env(), trial.ids) == []


def test_a_sandbox_the_engine_forgot_is_found(engine: docker.DockerClient) -> None:
    container = engine.containers.create(
        ROOT_IMAGE, ["sleep", "300"], runtime="runsc", network_mode="none", name=f"forgotten-{os.getpid()}"
    )
    container.start()
    container.reload()
    process, shims = int(container.attrs["State"]["Pid"]), _processes_naming(str(container.id), "containerd-shim")
    assert shims
    os.kill(process, signal.SIGSTOP)
    for shim in shims:
        os.kill(shim, signal.SIGKILL)
    container.remove(force=True)
    assert _processes_naming(str(container.id)), "the engine did better than it used to"
    assert any("of runsc" in what for what in sweep("no-run-of-this-name-", set()))
    until(lambda: not _processes_naming(str(container.id)))


def _processes_naming(container_id: str, program: str = "runsc") -> list[int]:
    found = subprocess.run(["pgrep", "-f", f"{program}.* {container_id}"], capture_output=True, text=True)
    return [int(number) for number in found.stdout.split()]


def test_the_sweep_leaves_sandboxes_that_the_engine_knows(trial: Trial) -> None:
    answers = Answers(total=2)
    swept: list[str] = []

    def sweeping(done: int) -> None:
        thread = threading.Thread(target=lambda: swept.extend(sweep("no-run-of-this-name-", set())))
        thread.start()
        thread.join(20)

    started = time.monotonic()
    assert trial(ECHO, LIMITS, answers, on_progress=sweeping).verdict.ok
    assert swept == []
    assert time.monotonic() - started < 20
