"""Many submissions of many teams shared by several hosts: what each got, and how fast it went."""

from __future__ import annotations

import collections
import dataclasses

from challenge.models import Attempt, State, Submission
from tests import factories
from tests.faults.engine import PREDICT
from tests.faults.world import World
from tests.services import until


@dataclasses.dataclass(frozen=True, slots=True)
class Shared:
    """What came of it.

    Attributes:
        per_second: from the first claim to the last end.
        lead: the most submissions that any team was ever ahead of another that had some waiting.
        hosts: how many attempts each host made.
    """

    per_second: float
    lead: int
    hosts: dict[str, int]


def share(world: World, hosts: int, teams: int, each: int, seconds: float) -> Shared:
    """Queues `teams` x `each` submissions of a model that waits `seconds` an image, and lets `hosts` workers at them.

    AssertionError where one is not evaluated, or not exactly once.
    """
    submissions = [
        factories.submission(world.phase, team, upload=factories.code_zip(PREDICT.format(seconds=seconds)))
        for team in (factories.team(world.phase.challenge) for _ in range(teams))
        for _ in range(each)
    ]
    keys = [one.pk for one in submissions]
    for number in range(hosts):
        world.start(PARAKH_HOST_NAME=f"host-{number}", PARAKH_CPUSET=str(number))
    waiting = Submission.objects.filter(pk__in=keys).exclude(state=State.FINISHED)
    until(lambda: not waiting.exists(), 120 + 8 * len(keys), f"all {len(keys)} are evaluated")
    world.workers.stop_all()
    attempts = list(
        Attempt.objects.filter(submission__in=keys).order_by("claimed_at").select_related("submission", "ran_on")
    )
    assert len(attempts) == len({attempt.submission_id for attempt in attempts}) == len(keys), "each exactly once"
    assert {attempt.verdict for attempt in attempts} == {"OK"}
    took = (max(attempt.done_at for attempt in attempts) - attempts[0].claimed_at).total_seconds()
    return Shared(
        per_second=len(attempts) / took,
        lead=_lead([attempt.submission.team_id for attempt in attempts], each),
        hosts=dict(collections.Counter(attempt.ran_on.name for attempt in attempts)),
    )


def _lead(order: list[int], each: int) -> int:
    claimed = collections.Counter(dict.fromkeys(order, 0))
    most = 0
    for team in order:
        claimed[team] += 1
        most = max(most, *(claimed[team] - count for count in claimed.values() if count < each), 0)
    return most
