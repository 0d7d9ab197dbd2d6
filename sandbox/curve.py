"""What a run used over time, in a bounded number of points."""

from __future__ import annotations

import dataclasses

MOST_POINTS = 240


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """One point of the curve.

    Attributes:
        seconds: since the engine was told to start the container.
        cpu_seconds: CPU time so far; None where not known.
        memory_bytes: anonymous + shared memory, the most since the point before; None where not known.
        images_done: answers accepted so far.
    """

    seconds: float
    cpu_seconds: float | None
    memory_bytes: int | None
    images_done: int


class Curve:
    """Takes any number of samples and keeps at most `MOST_POINTS`, about equally far apart."""

    def __init__(self) -> None:
        self._points: list[Sample] = []
        self._spacing = 0.0

    def add(self, sample: Sample) -> None:
        """Takes the next sample; times ascend."""
        points = self._points
        if len(points) >= 2 and sample.seconds - points[-2].seconds < self._spacing:
            points[-1] = _joined(points[-1], sample)
        else:
            points.append(sample)
        if len(points) > MOST_POINTS:
            # Every two points become one, and from now on they come half as often.
            self._spacing = 2 * (points[-1].seconds - points[0].seconds) / len(points)
            pairs = zip(points[1::2], points[2::2], strict=False)
            self._points = [points[0], *(_joined(one, other) for one, other in pairs)]

    def points(self) -> tuple[Sample, ...]:
        """The curve so far."""
        return tuple(self._points)


def _joined(one: Sample, other: Sample) -> Sample:
    """Two samples as one: the later, with the higher memory of both."""
    memory = max((m for m in (one.memory_bytes, other.memory_bytes) if m is not None), default=None)
    return dataclasses.replace(other, memory_bytes=memory)
