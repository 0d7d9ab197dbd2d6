"""Scores and reports as plain text for a terminal."""

from __future__ import annotations

from evaluator.metrics import Scores
from evaluator.report import Report
from sandbox import size


def scores_text(scores: Scores) -> str:
    """A small table, in percent."""
    interval = scores.interval
    lines = [f"{name:<16} {100 * value:6.2f} %" for name, value in scores.iou.items()]
    return "\n".join(
        [
            f"mIoU             {100 * scores.miou:6.2f} %   over {scores.images} images",
            *([f"95 % interval    {100 * interval.low:6.2f} to {100 * interval.high:.2f} %"] if interval else []),
            f"pixel accuracy   {100 * scores.pixel_accuracy:6.2f} %   mean {100 * scores.mean_pixel_accuracy:.2f} %",
            "",
            *lines,
        ]
    )


def report_text(report: Report) -> str:
    """The verdict first, then the scores, then what it cost, then the end of the log if it failed."""
    found, limits = report.measurements, report.limits
    lines = [f"{report.verdict.code}: {report.verdict.sentence}", *filter(None, [report.verdict.advice])]
    if report.scores:
        lines += ["", scores_text(report.scores)]
    if found.total_seconds is not None:
        lines += [
            "",
            f"start            {_seconds(found.start_seconds)} of {limits.start_seconds:g} s",
            f"latency          {_seconds(found.latency_median_seconds)} median, "
            f"{_seconds(found.latency_p90_seconds)} p90, of {limits.image_seconds:g} s",
            f"total            {_seconds(found.total_seconds)} of {limits.total_seconds:g} s",
            f"CPU time         {_seconds(found.cpu_seconds)} of {limits.cpu_seconds:g} s",
            f"memory peak      {size(found.memory_peak_bytes)} of {size(limits.memory_bytes)}",
        ]
    if report.log and not report.verdict.ok:
        tail = report.log[-4000:]
        lines += [
            "",
            "end of its log:",
            "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in tail),
        ]
    return "\n".join(lines)


def _seconds(value: float | None) -> str:
    if value is None:
        return "?"
    return f"{1000 * value:.1f} ms" if value < 1 else f"{value:.2f} s"
