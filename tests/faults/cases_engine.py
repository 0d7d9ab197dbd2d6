"""44. The engine dies, or is restarted, or is away."""

from __future__ import annotations

import time

from challenge import hosts
from challenge.models import Host, State
from tests.faults.world import PATIENCE_SECONDS, World, resume
from tests.services import until


def killed_mid_run(world: World) -> None:
    """kill -9 while a container answers; then it is started again."""
    submission = world.submit(seconds=1)
    world.start()
    until(lambda: world.is_running(submission), PATIENCE_SECONDS, "it runs")
    world.engine.kill()
    until(lambda: submission.attempts.filter(state="done").exists(), PATIENCE_SECONDS, "the attempt has ended")
    world.engine.start()
    world.settle(submission, faults=1)


def restarted_mid_run(world: World) -> None:
    """In good order: the engine ends the container itself, which must not look as if the submission had died."""
    submission = world.submit(seconds=1)
    world.start()
    until(lambda: world.is_running(submission), PATIENCE_SECONDS, "it runs")
    world.engine.restart()
    world.settle(submission, faults=1)


def killed_before_the_load(world: World) -> None:
    """kill -9 when an image has been read and is about to be loaded."""
    submission = world.submit(image="whole")
    world.start(stop_at="before the load")
    process = world.until_stopped()
    world.engine.kill()
    resume(process)
    until(
        lambda: submission.attempts.filter(verdict="ENGINE_FAULT").exists(), PATIENCE_SECONDS, "it failed by our fault"
    )
    world.engine.start()
    world.settle(submission, faults=1)


def killed_with_its_worker(world: World) -> None:
    """Both at once, as when the machine loses its power, but for the container's process."""
    submission = world.submit(seconds=1)
    worker = world.start()
    until(lambda: world.is_running(submission), PATIENCE_SECONDS, "it runs")
    world.engine.kill()
    world.workers.kill(worker)
    world.engine.start()
    world.start()
    world.settle(submission, faults=1)


def away(world: World) -> None:
    """With the engine down nothing is claimed, so that no submission uses up its tries."""
    world.start()
    until(lambda: Host.objects.filter(pk__in=hosts.live()).exists(), PATIENCE_SECONDS, "the worker is there")
    world.engine.kill()
    submission = world.submit()
    time.sleep(3)
    submission.refresh_from_db()
    assert (submission.state, submission.attempt_count) == (State.QUEUED, 0)
    world.engine.start()
    world.settle(submission, faults=0)
