"""python -m sandbox run IMAGE …: one container under limits, and the verdict on it.
python -m sandbox inspect TAR: is this image archive acceptable?
python -m sandbox build BASE …: the base images for code submissions.
python -m sandbox check: is this host safe, and fit to rank latency?"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
import uuid
from pathlib import Path

from sandbox.bases import TITLES
from sandbox.bases.build import build
from sandbox.check.text import report
from sandbox.errors import SandboxError
from sandbox.image.inspection import add_inspect_options, inspect_command
from sandbox.options import add_limit_options, limits_from
from sandbox.program import Program, Questions, Result, Run
from sandbox.runner import run
from sandbox.verdicts import size


def main() -> int:
    """Exit status: 0 for OK, 1 for any other verdict, 2 where nothing could be run."""
    options = _parser().parse_args()
    try:
        if options.command == "build":
            return _build(options.base or list(TITLES), options.force)
        if options.command == "inspect":
            return inspect_command(options)
        if options.command == "check":
            return report(options.slots, options.cpus, options.cpuset, as_json=options.json)
        return _run(options)
    except (SandboxError, OSError, ValueError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Runs one untrusted container.")
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run", help="run an image under limits and say what happened")
    runs.add_argument("image", help="name or ID of an image the engine has")
    runs.add_argument("--contract", choices=("stream", "batch"), default="stream")
    runs.add_argument("--input", type=Path, metavar="DIR", help="files to send, in the order of their names")
    runs.add_argument("--output", type=Path, metavar="DIR", help="where its answers go, one file a question")
    runs.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    add_limit_options(runs)
    add_inspect_options(commands.add_parser("inspect", help="say whether an image archive is acceptable; 1 if not"))
    builds = commands.add_parser("build", help="build base images")
    builds.add_argument("base", nargs="*", type=_base, help=f"any of {', '.join(TITLES)}; default: all")
    builds.add_argument("--force", action="store_true", help="also if nothing has changed")
    checks = commands.add_parser("check", help="say whether this host is safe, and fit to rank latency; 1 if not safe")
    checks.add_argument("--slots", type=int, default=1, metavar="N", help="runs at the same time (default: 1)")
    checks.add_argument("--cpus", type=int, default=1, metavar="N", help="cores of each (default: 1)")
    checks.add_argument("--cpuset", metavar="LIST", help="cores that runs may use, e.g. 2-3 (default: all)")
    checks.add_argument("--json", action="store_true", help="findings and facts as JSON")
    return parser


def _base(name: str) -> str:
    if name not in TITLES:
        raise argparse.ArgumentTypeError(f"unknown base {name!r}; there are {', '.join(TITLES)}")
    return name


def _build(names: list[str], force: bool) -> int:
    # So that a build that is told to stop removes its container, and says no more.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    for name in names:
        build(name, say=lambda line: print(line, file=sys.stderr, flush=True), force=force)
    return 0


def _run(options: argparse.Namespace) -> int:
    files = sorted(path for path in options.input.iterdir() if path.is_file()) if options.input else []
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)

    def accept(index: int, answer: bytes) -> str | None:
        if options.output:
            (options.output / f"{files[index].stem}.png").write_bytes(answer)
        return None

    def show(done: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {len(files)} answered", end="", file=sys.stderr, flush=True)

    questions = Questions(
        total=len(files),
        read=lambda index: files[index].read_bytes(),
        accept=accept,
        suffix=files[0].suffix if files else ".jpg",
    )
    how = Run(id=f"local-{uuid.uuid4().hex[:12]}", contract=options.contract, on_progress=show)
    result = run(Program(image=options.image), limits_from(options), questions, how)
    if sys.stderr.isatty() and files:
        print(file=sys.stderr)
    print(json.dumps(_as_dict(result), indent=2) if options.json else _as_text(result))
    return 0 if result.verdict.ok else 1


def _as_dict(result: Result) -> dict[str, object]:
    seen = dataclasses.asdict(result.seen)
    return {
        "verdict": result.verdict.code,
        "sentence": result.verdict.sentence,
        "advice": result.verdict.advice,
        "flags": list(result.verdict.flags),
        "start_seconds": result.start_seconds,
        "answering_seconds": result.answering_seconds,
        "latencies": result.latencies,
        "throttled_seconds": result.throttled_seconds,
        "curve": [dataclasses.asdict(sample) for sample in result.curve],
        "observation": seen,
        "log": result.log.decode("utf-8", "replace"),
        "engine": result.engine,
    }


def _as_text(result: Result) -> str:
    seen = result.seen
    lines = [f"{result.verdict.code}: {result.verdict.sentence}"]
    if result.verdict.advice:
        lines.append(result.verdict.advice)
    cpu = "?" if seen.cpu_seconds is None else f"{seen.cpu_seconds:.2f} s"
    lines.append(f"wall {seen.wall_seconds:.2f} s, CPU {cpu}, memory peak {size(seen.memory_peak_bytes)}")
    if result.log:
        text = ascii(result.log[-2000:].decode("utf-8", "replace"))[1:-1].replace("\\n", "\n")
        lines += ["", "log:", text]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
