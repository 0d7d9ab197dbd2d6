"""The talk with one running container, and the clock that watches it.

One thread, one loop: hear what it wrote, take a sample, look at the deadlines. So a latency is never mixed up with
work of ours, and no deadline depends on the container's cooperation.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from sandbox.channel import Channel, Stream
from sandbox.curve import Curve, Sample
from sandbox.limits import Limits
from sandbox.logs import HeadAndTail
from sandbox.meter import Meter, Usage
from sandbox.program import Questions, Run
from sandbox.protocol import MessageReader, ProtocolError, check_ready, frame
from sandbox.verdicts import BadOutput, Observation

SAMPLE_SECONDS = 0.05
"""Four small files of the kernel, some 0.1 ms: often enough for a memory peak, seldom enough for the latency."""


class Conversation:
    """Asks every question, one at a time, and notes what happens, until the container ends or has to be ended."""

    def __init__(self, run: Run, limits: Limits, questions: Questions, meter: Meter, started: float) -> None:
        """`started`: `time.monotonic()` when the engine was told to start the container."""
        self.run = run
        self.limits = limits
        self.questions = questions
        self.meter = meter
        self.started = started
        self.seen = Observation(
            limits=limits,
            contract=run.contract,
            images_total=questions.total,
            ready=run.contract == "batch",
            stopped_by_us=False,
        )
        self.must_end = False
        """True once something happened after which the container has to be killed."""
        self.log = HeadAndTail(limits.log_bytes)
        self.usage = Usage()
        self.curve = Curve()
        self.latencies: list[float] = []
        self.ready_at: float | None = None
        self.first_asked_at: float | None = None
        self.last_answered_at: float | None = None
        self._reader = MessageReader()
        self._asked_at: float | None = None
        self._next_sample = started

    def hold(self, channel: Channel) -> None:
        """Talks until the container has closed its streams, or `must_end` is set."""
        if self.run.contract == "batch":
            channel.end_input()  # nothing will come: who reads shall not wait
        while not channel.closed and not self.must_end:
            heard = channel.wait(self._patience())
            now = time.monotonic()
            try:
                for stream, written in heard:
                    if stream is Stream.STDOUT and self.run.contract == "stream":
                        self._hear(channel, written, now)
                    else:
                        self._keep_log(written)
            except ProtocolError as error:
                self._note(protocol_error=str(error), must_end=True)
            self.watch(now)
        if channel.closed and self._reader.pending and not self.must_end:
            self._note(protocol_error=f"it ended in the middle of a message ({self._reader.pending} bytes of it)")

    def watch(self, now: float) -> None:
        """Samples the container and looks at every deadline; `now` is `time.monotonic()`."""
        if now >= self._next_sample:
            self._next_sample = now + SAMPLE_SECONDS
            self._sample()
            if (self.usage.cpu_seconds or 0.0) > self.limits.cpu_seconds:
                self._note(cpu_over=True, must_end=True)
            if self.run.should_stop():
                self._note(cancelled=True, must_end=True)
        if not self.seen.ready and now - self.started > self.limits.start_seconds:
            self._note(start_over=True, must_end=True)
        if now - self.started > self.limits.total_seconds:
            self._note(total_over=True, must_end=True)
        if self._asked_at is not None and now - self._asked_at > self.limits.image_seconds:
            self._note(image_over=True, must_end=True)

    def _sample(self) -> None:
        now = self.meter.read()
        self.usage = self.usage.highest(now)
        seconds = time.monotonic() - self.started
        self.curve.add(Sample(seconds, self.usage.cpu_seconds, now.memory_bytes, self.seen.images_done))

    def _patience(self) -> float:
        """Seconds until something of ours is due."""
        due = [self._next_sample, self.started + self.limits.total_seconds]
        if not self.seen.ready:
            due.append(self.started + self.limits.start_seconds)
        if self._asked_at is not None:
            due.append(self._asked_at + self.limits.image_seconds)
        return max(0.0, min(due) - time.monotonic()) + 0.0005

    def _hear(self, channel: Channel, written: bytes, now: float) -> None:
        if self.seen.ready and self._asked_at is None:
            done = self.seen.images_done == self.questions.total
            raise ProtocolError(
                "it wrote more to stdout after its last answer" if done else "it answered before it was asked"
            )
        messages = self._reader.feed(written)
        if len(messages) > 1 or (messages and self._reader.pending):
            raise ProtocolError(
                "it wrote more than one message for one request"
                if self.seen.ready
                else "it answered before it was asked"
            )
        if messages and channel.writing:
            raise ProtocolError("it answered before it had read the whole request")
        for message in messages:
            if self.seen.ready:
                self._take_answer(message, now)
            else:
                check_ready(message)
                self.ready_at = now
                self._sample()  # a quick run may be over before a sample is due: the model is loaded now
                self._note(ready=True)
            if not self.must_end:
                self._ask(channel)

    def _ask(self, channel: Channel) -> None:
        index = self.seen.images_done
        if index == self.questions.total:
            self._sample()
            channel.end_input()
            return
        message = frame(self.questions.read(index))
        self._asked_at = time.monotonic()
        self.first_asked_at = self.first_asked_at or self._asked_at
        channel.send(message)

    def _take_answer(self, answer: bytes, now: float) -> None:
        assert self._asked_at is not None
        index = self.seen.images_done
        latency, self._asked_at, self.last_answered_at = now - self._asked_at, None, now
        if latency > self.limits.image_seconds:
            self._note(image_over=True, must_end=True)
            return
        reason = self.questions.accept(index, answer)
        if reason is not None:
            self._note(bad_output=BadOutput(index + 1, reason), must_end=True)
            return
        self.latencies.append(latency)
        self._note(images_done=index + 1)
        self.run.on_progress(index + 1)

    def _keep_log(self, written: bytes) -> None:
        self.log.add(written)
        if self.log.total > self.limits.log_bytes:
            self._note(log_over=True, must_end=True)

    def _note(self, must_end: bool = False, **facts: Any) -> None:
        self.seen = dataclasses.replace(self.seen, **facts)
        self.must_end = self.must_end or must_end
