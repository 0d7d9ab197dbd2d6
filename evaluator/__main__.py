"""The same evaluation as the site's, on your own machine.

python -m evaluator run SUBMISSION --data DIR --split val --profile NAME
python -m evaluator score PREDICTIONS TRUTH
python -m evaluator sample DIR
python -m evaluator check DIR --split val
python -m evaluator labels DIR
python -m evaluator shrink IDD_DIR OUT --level lite
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from evaluator import labels, pipeline, shrink
from evaluator.datasets import Dataset
from evaluator.errors import EvaluatorError
from evaluator.keeping import Keeper
from evaluator.metrics import scores
from evaluator.predictions import labels_below, labels_of, score_archive, score_files
from evaluator.sample import draw_sample
from evaluator.text import report_text, scores_text
from sandbox import Limits, SandboxError
from sandbox.options import add_limit_options, limits_from

_notes = Console(stderr=True)


def main() -> int:
    """Exit status: 0 for success (for `run`: for OK), 1 for a verdict or a finding, 2 where it could not be done."""
    options = _parser().parse_args()
    try:
        return int(options.do(options))
    except (EvaluatorError, SandboxError, OSError, ValueError) as error:
        print(f"evaluator: {error}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    dataset = Dataset.open(options.data, options.split)
    with _bar() as bar, Keeper() as keeper:
        task = bar.add_task("admitting", total=len(dataset))
        report = pipeline.evaluate(
            Path(options.submission) if Path(options.submission).exists() else options.submission,
            dataset,
            limits_from(options),
            base=options.base,
            contract=options.contract,
            seed=options.seed,
            on_progress=lambda now: bar.update(task, description=now.stage, completed=now.images_done),
            on_answer=keeper.add,
        )
        if options.keep and report.verdict.ok:
            with options.keep.open("wb") as file:
                keeper.pack(list(labels_of(dataset)), file)
    print(json.dumps(report.as_dict(), indent=2) if options.json else report_text(report))
    return 0 if report.verdict.ok else 1


def _score(options: argparse.Namespace) -> int:
    if options.predictions.is_file():
        found = scores(score_archive(options.predictions, labels_below(options.truth), Limits()))
    else:
        found = scores(score_files(options.predictions, options.truth))
    print(json.dumps(found.as_dict(), indent=2) if options.json else scores_text(found))
    return 0


def _sample(options: argparse.Namespace) -> int:
    with _bar() as bar:
        task = bar.add_task("drawing", total=options.train + options.val)
        draw_sample(
            options.directory,
            options.train,
            options.val,
            options.seed,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    print(f"{options.directory} holds {options.train} train and {options.val} val scenes")
    return 0


def _check(options: argparse.Namespace) -> int:
    dataset = Dataset.open(options.directory, options.split)
    with _bar() as bar:
        task = bar.add_task("checking", total=len(dataset))
        wrong = dataset.check(lambda done, total: bar.update(task, completed=done))
    print("\n".join(wrong) or f"{len(dataset)} images and labels of split {options.split!r} are as they should be")
    return 1 if wrong else 0


def _labels(options: argparse.Namespace) -> int:
    found = []
    with _bar() as bar:
        for split in [options.split] if options.split else labels.splits(options.directory):
            step = functools.partial(_advance, bar, bar.add_task(f"reading {split}", total=None))
            found.append(labels.statistics(options.directory, split, step))
    if options.json:
        print(json.dumps([each.as_dict() for each in found], indent=2))
    else:
        print("\n\n".join(labels.text(each) for each in found))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        for name, picture in (item for each in found for item in labels.plots(each).items()):
            (options.out / name).write_text(picture, encoding="utf-8")
            print(f"wrote {options.out / name}", file=sys.stderr)
    return 0


def _shrink(options: argparse.Namespace) -> int:
    recipe = shrink.RECIPES[options.level]
    changes = {key: getattr(options, key) for key in ("size", "every", "quality") if getattr(options, key) is not None}
    with _bar() as bar:
        task = bar.add_task("shrinking", total=None)
        counts = shrink.shrink(
            options.idd,
            options.out,
            dataclasses.replace(recipe, **changes),
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    told = ", ".join(f"{split} {images} images and {found} labels" for split, (images, found) in counts.items())
    print(f"{options.out} holds {told}")
    return 0


def _advance(bar: Progress, task: TaskID, done: int, total: int) -> None:
    bar.update(task, completed=done, total=total)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=_notes
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evaluator", description="Evaluates a submission exactly as the site does."
    )
    commands = parser.add_subparsers(required=True)

    run = commands.add_parser("run", help="run a submission in its container and score it")
    run.add_argument("submission", help="a code directory or zip, an image tar, or the name of a local image")
    run.add_argument("--data", type=Path, required=True, metavar="DIR", help="holds leftImg8bit/ and gtFine/")
    run.add_argument("--split", default="val")
    run.add_argument("--base", default="pytorch", help="base image of a code submission")
    run.add_argument("--contract", choices=("stream", "batch"), default="stream")
    run.add_argument("--seed", type=int, help="of the order of the images; drawn by default")
    run.add_argument(
        "--keep", type=Path, metavar="ZIP", help="write the label maps there: what a phase takes as predictions"
    )
    run.add_argument("--json", action="store_true")
    add_limit_options(run)
    run.set_defaults(do=_run)

    score = commands.add_parser("score", help="score a directory or a zip of label maps by the official rule")
    score.add_argument("predictions", type=Path, help="files named like those of the truth")
    score.add_argument("truth", type=Path, help="a split of the truth, e.g. gtFine/val")
    score.add_argument("--json", action="store_true")
    score.set_defaults(do=_score)

    sample = commands.add_parser("sample", help="draw a small, licence-free data set of the same shape")
    sample.add_argument("directory", type=Path, metavar="DIR")
    sample.add_argument("--train", type=int, default=60)
    sample.add_argument("--val", type=int, default=40)
    sample.add_argument("--seed", type=int, default=0)
    sample.set_defaults(do=_sample)

    check = commands.add_parser("check", help="read every file of a split and name what is wrong")
    check.add_argument("directory", type=Path, metavar="DIR")
    check.add_argument("--split", default="val")
    check.set_defaults(do=_check)
    statistics = commands.add_parser("labels", help="pixels and images of each class, as a table and as plots")
    statistics.add_argument("directory", type=Path, metavar="DIR")
    statistics.add_argument("--split", help="default: all that have labels")
    statistics.add_argument("--out", type=Path, metavar="FOLDER", help="write the plots there, as SVG")
    statistics.add_argument("--json", action="store_true")
    statistics.set_defaults(do=_labels)

    smaller = commands.add_parser("shrink", help="make IDD-lite or IDD-mini from the full India Driving Dataset")
    smaller.add_argument("idd", type=Path, metavar="IDD_DIR", help="holds leftImg8bit/ and gtFine/ of full size")
    smaller.add_argument("out", type=Path, metavar="OUT")
    smaller.add_argument("--level", choices=tuple(shrink.RECIPES), required=True)
    smaller.add_argument("--size", type=_size, metavar="WxH", help="320x227 for lite, 720x480 for mini")
    smaller.add_argument("--every", type=_positive, help="keep one frame of so many (10)")
    smaller.add_argument("--quality", type=_positive, help="of the JPEG files (90)")
    smaller.set_defaults(do=_shrink)
    return parser


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return _positive(width), _positive(height)


def _positive(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 10000")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
