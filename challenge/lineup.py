"""Who is next: the order of the queue, one for the claim and for the pages.

Start-time fair queueing (Goyal, Vin and Cheng 1996): a submission draws a turn when it is queued, one after its team's
last, but never one that is past. So teams alternate however many each of them sends, nobody saves up turns, and the
order is one index: a claim costs the same however many wait.
"""

from __future__ import annotations

import dataclasses

import structlog
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from challenge import hosts
from challenge.models import Attempt, Host, Phase, State, Submission, Team
from sandbox import Limits

log = structlog.get_logger(__name__)


def waiting() -> QuerySet[Submission]:
    """All in the queue, in the order in which they will be claimed. What is held for the operators is not in it."""
    return Submission.objects.filter(state=State.QUEUED, held_at=None).order_by("turn", "queued_at", "id")


def due(host: Host | None = None) -> QuerySet[Submission]:
    """Those of them that may be claimed now, by this host if one is named."""
    return _ready().filter(phase__in=_phases_for([host] if host else None))


def _ready() -> QuerySet[Submission]:
    return waiting().filter(Q(not_before=None) | Q(not_before__lte=Now()))


def next_due(host: Host | None = None) -> QuerySet[Submission]:
    """Those of the phase whose first is the first of all that are due, in their order.

    Of each phase the first is found in one step of an index. Asked for all phases at once, PostgreSQL walks past
    whatever waits for other hosts: 60 ms a claim behind 100,000 of them.
    """
    heads = [
        head
        for phase in _phases_for([host] if host else None)
        if (head := _ready().filter(phase=phase).values_list("turn", "queued_at", "pk", "phase").first())
    ]
    return _ready().filter(phase=min(heads)[-1]) if heads else Submission.objects.none()


def due_queues(host: Host) -> list[str]:
    """Those of the host's queues in which something waits that it could take, were it idle."""
    phases = _phases_for([host])
    return sorted({phase.queue for phase in phases if due().filter(phase=phase).exists()})


def _phases_for(takers: list[Host] | None) -> list[Phase]:
    """Phases with something in the queue that one of these hosts can take. None: whoever takes it.

    Limits that can't be read are nobody's: one bad phase must not stop the whole queue.
    """
    queued = Submission.objects.filter(state=State.QUEUED, held_at=None, phase=OuterRef("pk"))
    return [
        phase
        for phase in Phase.objects.filter(Exists(queued))
        if (limits := _limits(phase)) and (takers is None or not hosts.shortfall(takers, phase, limits))
    ]


def _limits(phase: Phase) -> Limits | None:
    """None, told to the log, if they can't be read."""
    try:
        return phase.limits
    except (TypeError, ValueError) as error:
        log.error("limits can't be read", phase=phase.pk, error=str(error))
        return None


def stuck_phases() -> list[tuple[Phase, str]]:
    """Phases with something in the queue that no host in service can take, with the reason: "no evaluation host …"."""
    in_service = list(hosts.live())
    queued = Submission.objects.filter(state=State.QUEUED, held_at=None, phase=OuterRef("pk"))
    found = ((phase, _stuck_because(phase, in_service)) for phase in Phase.objects.filter(Exists(queued)))
    return [(phase, reason) for phase, reason in found if reason]


def _stuck_because(phase: Phase, in_service: list[Host]) -> str:
    limits = _limits(phase)
    if limits is None:
        return "no way to read the limits of its phase"
    lacking = hosts.shortfall(in_service, phase, limits)
    return f"no evaluation host {lacking}" if lacking else ""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where a submission stands.

    Attributes:
        position: 1 for the one that will be claimed next, among those that the same hosts take: who waits for other
            hosts stands in nobody's way. None unless it is in the queue.
        why: a sentence for its team if it waits for something else than its turn; else empty.
    """

    position: int | None = None
    why: str = ""


def place(submission: Submission) -> Place:
    """Where it stands in the queue, and what it waits for if not for its turn."""
    if submission.state != State.QUEUED or submission.queued_at is None:
        return Place()
    if submission.held_at is not None:
        return Place(why=submission.note)
    in_service = list(hosts.live())
    because = _stuck_because(submission.phase, in_service)
    why = f"It waits: there is {because}. The operators have been told." if because else ""
    return Place(_position(submission, _takers(submission.phase, in_service)), why)


def _position(submission: Submission, takers: list[Host]) -> int:
    ahead = Q(turn__lt=submission.turn) | Q(turn=submission.turn) & (
        Q(queued_at__lt=submission.queued_at) | Q(queued_at=submission.queued_at, pk__lt=submission.pk)
    )
    rivals = {phase.pk for phase in _phases_for(takers)} | {submission.phase_id}
    return waiting().filter(ahead, phase__in=rivals).count() + 1


def _takers(phase: Phase, in_service: list[Host]) -> list[Host]:
    """Those of the hosts that can take the submissions of a phase."""
    limits = _limits(phase)
    return [host for host in in_service if limits and not hosts.shortfall([host], phase, limits)]


def current_turn() -> int:
    """The turn of the last claim. What is put back into the queue gets this one and is the first again."""
    newest = Attempt.objects.order_by("-pk").values_list("submission__turn", flat=True).first()
    return newest or 0


def next_turn(team: Team) -> int:
    """The turn of a submission of this team that is about to be queued."""
    mine = Submission.objects.filter(team=team).exclude(state=State.UPLOADING)
    last: int | None = mine.aggregate(last=Max("turn"))["last"]
    return current_turn() if last is None else max(current_turn(), last + 1)
