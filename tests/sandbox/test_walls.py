"""What a submission finds when it looks around: walls, each of a stated height. Real containers, read from inside."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from sandbox import BadImage, Code, Program, pack
from sandbox.bases import ROOT_IMAGE
from sandbox.container import create_container
from sandbox.cores import CORES_LABEL, Cores
from sandbox.volumes import LABEL
from tests.sandbox.guests import ECHO, MIB, PRELUDE, TIGHT, Answers, Trial, python, until

pytestmark = pytest.mark.docker

LOOK = """
import ctypes, resource, socket, subprocess
def status(name):
    return next(line.split(":")[1].split() for line in open("/proc/self/status") if line.startswith(name + ":"))
def tries(call):
    try:
        return repr(call())
    except OSError as error:
        return error.strerror
def cgroup(path):
    for root in ("/sys/fs/cgroup/" + path.split("/")[0] + "/", "/sys/fs/cgroup/"):
        try:
            return open(root + path.split("/")[1]).read().strip()
        except OSError:
            continue
def connects(family, address):
    with socket.socket(family) as probe:
        probe.settimeout(1)
        return tries(lambda: probe.connect(address))
def makes(path):
    return tries(lambda: open(path, "w").close() or "written")
def room(path):
    found = os.statvfs(path)
    return [found.f_blocks * found.f_frsize, found.f_files]
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    return os.strerror(ctypes.get_errno()) if libc.syscall(number, *arguments) < 0 else "done"
places = ("/", "/etc", "/usr/bin", "/root", "/var/tmp", "/run", "/dev", "/sys", "/proc", "/submission")
looked = dict(
    ids=[os.getuid(), os.getgid(), os.getgroups()],
    caps={name: status(name)[0] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
    no_new_privs=status("NoNewPrivs")[0],
    seccomp=status("Seccomp")[0],
    interfaces=sorted(os.listdir("/sys/class/net")),
    routes=open("/proc/net/route").read().count(chr(10)) - 1,
    internet=connects(socket.AF_INET, ("1.1.1.1", 53)),
    metadata=connects(socket.AF_INET, ("169.254.169.254", 80)),
    internet6=connects(socket.AF_INET6, ("2606:4700:4700::1111", 53)),
    name_servers=[line.split()[1:] for line in open("/etc/resolv.conf") if line.split()[0] in ("nameserver", "search")],
    dns=tries(lambda: socket.getaddrinfo("example.org", 80)),
    sockets=[path for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd") if os.path.exists(path)],
    written={place: makes(place + "/parakh") for place in places if os.path.isdir(place)},
    sysrq=makes("/proc/sysrq-trigger"),
    core_pattern=makes("/proc/sys/kernel/core_pattern"),
    tmp=room("/tmp"), shm=room("/dev/shm"),
    core=resource.getrlimit(resource.RLIMIT_CORE), files=resource.getrlimit(resource.RLIMIT_NOFILE),
    oom=open("/proc/self/oom_score_adj").read().strip(),
    memory=cgroup("memory/memory.limit_in_bytes") or cgroup("memory/memory.max"),
    swap=cgroup("memory/memory.memsw.limit_in_bytes") or cgroup("memory/memory.swap.max"),
    pids=cgroup("pids/pids.max"),
    processes=sorted(name for name in os.listdir("/proc") if name.isdigit()),
    hostname=socket.gethostname(),
    environment=dict(os.environ),
    devices=sorted(os.listdir("/dev")),
    mknod=tries(lambda: os.mknod("/tmp/disk", 0o60644, os.makedev(8, 0))),
    chown=tries(lambda: os.chown("/tmp", 0, 0)),
    setuid=tries(lambda: os.setuid(0)),
    clock=tries(lambda: time.clock_settime(time.CLOCK_REALTIME, 0)),
    mount=call(165, b"none", b"/tmp", b"tmpfs", 0, None),
    unshare=call(272, 0x10000000),
    keyring=call(250, 0, -3, 1, 0, 0),
    bpf=call(321, 0, 0, 0),
    ptrace=call(101, 16, 1, 0, 0),
    userfaultfd=call(323, 0), io_uring=call(425, 8, 0), perf=call(298, 0, 0, -1, -1, 0),
    queue=call(240, b"/q", 64, 384, 0),
    splice=call(275, 0, 0, 1, 0, 1, 0), module=call(175, 0, 0, b""), vm_read=call(310, 1, 0, 0, 0, 0, 0),
    setns=call(308, 0, 0), clone_ns=call(56, 0x10000011, 0, 0, 0, 0), handle=call(304, 0, 0, 0),
    personality=call(135, 0x0040000), netlink=call(41, 16, 3, 0), packet=call(41, 17, 3, 0), vsock=call(41, 40, 1, 0),
    crypto=call(41, 38, 5, 0), sctp=call(41, 2, 1, 132), dccp=call(41, 2, 6, 0), raw=call(41, 2, 3, 1),
    sockets_that_work=[call(41, *what) for what in ((1, 1, 0), (2, 0o2000001, 0), (10, 2, 17), (2, 1, 6))],
    fifo=tries(lambda: os.mkfifo("/tmp/fifo")),
    cpus=sorted(os.sched_getaffinity(0)),
    mounts=[line.split()[1] for line in open("/proc/mounts") if line.split()[0].startswith("/dev/")],
)
say(json.dumps(looked).encode())
"""
REFUSED = ("Operation not permitted", "Permission denied", "Read-only file system")


@pytest.fixture(scope="module")
def inside(engine: docker.DockerClient) -> dict[str, Any]:
    """Everything one program could find out about its container."""
    found = json.loads(Trial().say(LOOK))
    assert isinstance(found, dict)
    return found


def test_it_is_nobody_with_no_way_up(inside: dict[str, Any]) -> None:
    assert inside["ids"][:2] == [65534, 65534]
    assert set(inside["ids"][2]) <= {65534}
    assert inside["caps"] == dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), "0" * 16)
    assert inside["no_new_privs"] == "1"
    assert inside["seccomp"] == "2"


def test_there_is_no_network(inside: dict[str, Any]) -> None:
    assert inside["interfaces"] == ["lo"]
    assert inside["routes"] == 0
    for way in ("internet", "metadata", "internet6"):
        assert inside[way] in ("Network is unreachable", "Cannot assign requested address"), (way, inside[way])
    assert "(" not in inside["dns"], "a name was resolved"
    assert inside["name_servers"] == [["127.0.0.1"]], "it is told of the host's"


def test_nothing_of_the_host_is_in_reach(inside: dict[str, Any]) -> None:
    assert inside["sockets"] == []
    assert inside["processes"] == ["1"]
    assert not {"sda", "vda", "kmsg", "mem", "kvm", "fuse"} & set(inside["devices"])
    # The three files the engine makes for each container; nothing else comes from a disk of the host.
    assert set(inside["mounts"]) <= {"/etc/resolv.conf", "/etc/hostname", "/etc/hosts"}


def test_the_root_is_read_only_everywhere(inside: dict[str, Any]) -> None:
    assert len(inside["written"]) >= 9
    assert set(inside["written"].values()) <= {*REFUSED, "No such file or directory"}, inside["written"]
    assert {inside["sysrq"], inside["core_pattern"]} <= {*REFUSED, "No such file or directory"}


def test_scratch_space_is_sized_in_bytes_and_files(inside: dict[str, Any]) -> None:
    assert inside["tmp"] == [TIGHT.tmpfs_bytes, TIGHT.tmpfs_inodes]
    assert inside["shm"] == [TIGHT.shm_bytes, TIGHT.tmpfs_inodes]
    assert inside["core"] == [0, 0]
    assert inside["files"] == [1024, 4096]


def test_memory_has_no_swap_and_processes_a_ceiling(inside: dict[str, Any]) -> None:
    assert int(inside["memory"]) == TIGHT.memory_bytes
    assert int(inside["swap"]) in (TIGHT.memory_bytes, 0)  # v1 counts both together, v2 swap alone
    assert int(inside["pids"]) == TIGHT.pids
    assert len(inside["cpus"]) == TIGHT.cpus
    assert inside["oom"] == "1000", "a host without memory would end something else first"


@pytest.mark.parametrize(
    "call", ["mknod", "chown", "setuid", "clock", "mount", "unshare", "keyring", "bpf", "ptrace",
     "userfaultfd", "io_uring", "perf", "queue", "splice", "module", "vm_read", "setns", "clone_ns", "handle",
     "personality", "netlink", "packet", "vsock", "crypto", "fifo", "sctp", "dccp", "raw"]
)  # fmt: skip
def test_calls_that_no_model_needs_are_refused(call: str, inside: dict[str, Any]) -> None:
    assert inside[call] in (*REFUSED, "Function not implemented"), inside[call]


def test_sockets_to_talk_to_oneself_work(inside: dict[str, Any]) -> None:
    assert inside["sockets_that_work"] == ["done"] * 4


def test_its_environment_tells_it_the_contract_and_nothing_of_us(
    inside: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = inside["environment"]
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    assert said.pop("HOSTNAME") == inside["hostname"]
    assert len(inside["hostname"]) == 12
    assert int(inside["hostname"], 16) >= 0, "a name of the host's instead of the container's own"
    said.pop("PATH"), said.pop("LC_CTYPE", None)
    assert said == {
        "PARAKH_CONTRACT": "stream", "PARAKH_IMAGES": "1", "PARAKH_SCORE_SIZE": "256x128", "HOME": "/tmp",
        **dict.fromkeys(threads, "1"),
    }  # fmt: skip


def test_an_operators_proxy_does_not_leak(trial: Trial, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    proxies = {"proxies": {"default": {"httpProxy": "http://user:secret@proxy:3128"}}}
    (tmp_path / "config.json").write_text(json.dumps(proxies))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert "secret" not in trial.say("say(json.dumps(dict(os.environ)).encode())")


def test_it_is_told_of_its_threads_and_may_use_its_cores(trial: Trial, engine: docker.DockerClient) -> None:
    cores = int(engine.info()["NCPU"])
    limits = TIGHT.replace(cpus=min(2, cores), cpu_quota=1.0, threads=4)
    code = "say(json.dumps([os.environ['OMP_NUM_THREADS'], sorted(os.sched_getaffinity(0))]).encode())"
    assert json.loads(trial.say(code, limits)) == ["4", list(range(cores - min(2, cores), cores))]
    assert json.loads(trial.say(code, TIGHT, cores="0")) == ["1", [0]]


FILL = """
def fill(place, files, block):
    made = 0
    try:
        for number in range(files):
            with open(f"{place}/{number}", "wb") as file: file.write(block)
            made += 1
    except OSError as error:
        return [made, error.errno]
    return [made, 0]
"""
ENOSPC, EAGAIN = 28, 11


def test_scratch_space_runs_out_in_bytes_and_in_files(trial: Trial) -> None:
    code = (
        FILL + "say(json.dumps([fill('/tmp', 99, b''), fill('/dev/shm', 99, b''),"
        "[os.unlink(f'{p}/{n}') for p in ('/tmp', '/dev/shm') for n in range(31)] and 0,"
        "fill('/tmp', 9, bytes(1 << 18)), fill('/dev/shm', 9, bytes(1 << 18))]).encode())"
    )
    files, shm_files, _, blocks, shm_blocks = json.loads(trial.say(code))
    assert files == shm_files == [TIGHT.tmpfs_inodes - 1, ENOSPC]
    assert blocks == shm_blocks == [4, ENOSPC]


@pytest.mark.parametrize("place", ["/tmp", "/dev/shm"])
@pytest.mark.parametrize(
    "what", ["open(f'{place}/big', 'wb').write(bytes(2 << 20))", "for n in range(99): open(f'{place}/{n}', 'w')"]
)
def test_a_program_that_fails_on_full_scratch_space_is_told_of_it(trial: Trial, place: str, what: str) -> None:
    result = trial(f"place = {place!r}\nready()\nhear()\n{what}")
    assert result.verdict.flags == (Code.DISK_LIMIT, Code.RUNTIME_ERROR), result.verdict.sentence
    assert "at image 1 of 2" in result.verdict.sentence
    assert "its scratch space full: /tmp holds 1.0 MiB in 32 files, /dev/shm 1.0 MiB." in result.verdict.sentence


def test_full_scratch_space_that_was_handled_is_no_verdict(trial: Trial) -> None:
    result = trial("try: open('/tmp/big', 'wb').write(bytes(2 << 20))\nexcept OSError: pass\n" + ECHO)
    assert (result.verdict.code, result.seen.disk_refused) == (Code.OK, True)


def test_a_fork_bomb_stops_at_the_ceiling(trial: Trial) -> None:
    code = "ready(); hear()\nmade = 0\nwhile True:\n    if os.fork() == 0: time.sleep(60)\n    made += 1\n"
    result = trial(code)
    assert result.verdict.code is Code.PIDS_LIMIT
    assert f"more than the {TIGHT.pids} processes" in result.verdict.sentence
    assert Code.RUNTIME_ERROR in result.verdict.flags


def test_a_refused_fork_that_is_handled_is_no_verdict(trial: Trial) -> None:
    code = (
        "ready(); hear()\nchildren = []\n"
        "try:\n    while True:\n        if (child := os.fork()) == 0: time.sleep(60)\n        children.append(child)\n"
        "except OSError: pass\n"
        "for child in children: os.kill(child, 9)\ntime.sleep(0.2); say(b'x')\nhear()"
    )
    result = trial(code, answers=Answers(total=1))
    assert result.verdict.ok, result.verdict.sentence
    assert result.seen.pids_refused > 0


def test_code_is_mounted_read_only_and_is_the_working_directory(trial: Trial, tmp_path: Any) -> None:
    with (tmp_path / "code.tar").open("w+b") as files:
        pack([("predict.py", b"answer = 42"), ("deep/er/weights", b"w" * 5000)], files)
        code = """
        def tries(call):
            try: return repr(call())
            except OSError as error: return error.strerror
        found = [os.getcwd(), open("predict.py").read(), os.path.getsize("deep/er/weights"),
                 oct(os.stat("predict.py").st_mode), os.stat("predict.py").st_uid,
                 tries(lambda: open("new", "w")), tries(lambda: os.unlink("predict.py")),
                 tries(lambda: os.chmod("predict.py", 0o777))]
        say(json.dumps(found).encode())
        """
        lines = "\n".join(line.removeprefix("        ") for line in code.splitlines())
        answers = Answers(total=1)
        program = python(f"ready()\nhear()\n{lines}\nhear()", files=files)
        result = trial(program, TIGHT, answers)
    assert result.verdict.ok, result.log
    readonly = "Read-only file system"
    assert json.loads(answers.given[0]) == [
        "/submission", "answer = 42", 5000, "0o100444", 0, readonly, readonly, readonly,
    ]  # fmt: skip


@pytest.fixture
def variant(engine: docker.DockerClient) -> Iterator[Any]:
    """Makes images of the root image with other settings."""
    made: list[str] = []

    def make(**settings: Any) -> str:
        name = f"parakh-test/{uuid.uuid4().hex[:8]}:latest"
        container = engine.containers.create(ROOT_IMAGE, ["true"])
        try:
            container.commit(*name.split(":"), conf=settings)
        finally:
            container.remove(force=True)
        made.append(name)
        return name

    yield make
    for name in made:
        engine.images.remove(name, force=True)


def on(image: str, code: str) -> Program:
    return Program(image=image, entrypoint=("python3", "-I", "-S", "-c", PRELUDE + code))


@pytest.mark.parametrize(
    ("declared", "place"),
    [("/data", "/data"), ("/data/", "/data"), ("/var//lib/../lib/data", "/var/lib/data"), ("/etc", "/etc"),
     ("data", "/data"), ("/tmp", None), ("/tmp/", None), ("/dev/shm/", None), ("/tmp/../tmp/", None)],
)  # fmt: skip
def test_a_declared_volume_is_no_way_to_the_hosts_disk(
    declared: str, place: str | None, variant: Any, trial: Trial
) -> None:
    """As VOLUME, 100 MiB landed on the disk. Now: refused, or a place with little or the usual room."""
    image = variant(Volumes={declared: {}})
    answers = Answers(total=1)
    where = place or declared
    code = FILL + f"ready()\nhear()\nsay(json.dumps(fill({where!r}, 99, bytes(1 << 17))).encode())\nhear()"
    try:
        result = trial(on(image, code), TIGHT, answers)
    except BadImage:
        assert place is not None or declared != "/tmp", "an honest declaration is refused"
        return
    assert result.verdict.ok, result.verdict.sentence
    made, errno = json.loads(answers.given[0])
    assert errno != 0, "no end to it"
    assert made <= (0 if place else 8)


@pytest.mark.parametrize("declared", ["/", "/proc/evil", "/sys", "relative/../..", "/dev"])
def test_an_impossible_volume_is_the_images_fault(declared: str, variant: Any, trial: Trial) -> None:
    try:
        result = trial(on(variant(Volumes={declared: {}}), ECHO))
    except BadImage:
        return
    assert result.verdict.code in (Code.RUNTIME_ERROR, Code.OK)


@pytest.mark.parametrize("workdir", ["/etc/passwd", "/proc/self/fd/8", "/proc/self/cwd/../..", "/no/such/place"])
def test_a_strange_working_directory_leads_nowhere(workdir: str, variant: Any, trial: Trial) -> None:
    answers = Answers(total=1)
    code = "ready(); hear(); say(json.dumps([os.getcwd(), os.path.exists('var/lib/docker')]).encode()); hear()"
    try:
        result = trial(on(variant(WorkingDir=workdir), code), TIGHT, answers)
    except BadImage:
        return
    assert result.verdict.code in (Code.RUNTIME_ERROR, Code.OK)
    assert "/var/lib/docker" not in result.verdict.sentence
    if answers.given:
        assert json.loads(answers.given[0])[1] is False


def test_settings_of_the_image_change_nothing(variant: Any, trial: Trial, engine: docker.DockerClient) -> None:
    image = variant(
        User="root",
        StopSignal="SIGCONT",
        Healthcheck={"Test": ["CMD", "touch", "/tmp/healthy"], "Interval": 1_000_000_000},
        Labels={LABEL: "somebody-else", CORES_LABEL: "0-99 x", "com.docker.compose.project": "parakh"},
        Env=["PARAKH_IMAGES=7", "OMP_NUM_THREADS=99", "HOME=/root", "LD_PRELOAD=/x.so", "LD_AUDIT=/x.so", "OWN=kept"],
        ExposedPorts={"80/tcp": {}},
        OnBuild=["RUN true"],
        Entrypoint=["sleep", "60"],
    )
    answers = Answers(total=1)
    how = trial.how()
    container = create_container(engine, on(image, ECHO), TIGHT, answers.questions(), how, {}, Cores((0,), "d"), None)
    try:
        container.reload()
        config = container.attrs["Config"]
        assert config["User"] == "65534:65534"
        assert config["Healthcheck"]["Test"] == ["NONE"]
        assert config["StopSignal"] == "SIGKILL"
        labels = {name: value for name, value in config["Labels"].items() if value}
        assert labels == {LABEL: how.id, CORES_LABEL: "0 d"}
        assert not container.attrs["HostConfig"]["PortBindings"]
        assert not container.attrs["HostConfig"]["Privileged"]
        assert container.attrs["HostConfig"]["LogConfig"]["Type"] == "none"
    finally:
        container.remove(force=True, v=True)
    code = "ready(); hear(); say(json.dumps([os.getuid(), dict(os.environ)]).encode()); hear()"
    assert trial(on(image, code), TIGHT, answers).verdict.ok
    user, environment = json.loads(answers.given[0])
    assert user == 65534
    assert [environment[name] for name in ("PARAKH_IMAGES", "OMP_NUM_THREADS", "HOME")] == ["1", "1", "/tmp"]
    assert environment["OWN"] == "kept"
    assert not {"LD_PRELOAD", "LD_AUDIT"} & set(environment), "the loader would obey these"


def test_an_image_with_nothing_to_run_is_refused(trial: Trial) -> None:
    with pytest.raises(BadImage, match="neither ENTRYPOINT nor CMD"):
        trial(Program(image=ROOT_IMAGE))


def test_no_process_survives_its_container(trial: Trial) -> None:
    """Double fork, setsid, signals ignored: it dies with the container all the same."""
    marker = f"parakh-{uuid.uuid4().hex}"
    code = (
        ECHO + f"\nmarker = {marker!r}\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); os.close(1); os.close(2); time.sleep(60)\n"
        "    os._exit(0)\nos.wait()"
    )
    assert trial(code).verdict.ok
    until(lambda: not _processes_with(marker))


def _processes_with(text: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in path.read_bytes():
                found.append(str(path))
        except OSError:
            continue
    return found


def test_a_run_fits_in_the_smallest_memory_there_is(trial: Trial) -> None:
    assert trial(ECHO, TIGHT.replace(memory_bytes=32 * MIB)).verdict.ok
