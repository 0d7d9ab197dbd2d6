"""Who is next: the order of the queue, one for the claim and for the pages.

Start-time fair queueing (Goyal, Vin and Cheng 1996): a submission draws a turn when it is queued, one after its team's
last, but never one that is past. So teams alternate however many each of them sends, nobody saves up turns. A claim
looks up the first of each phase in one index, and costs the same however many wait.
"""

from __future__ import annotations

import dataclasses

import structlog
from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from challenge import hosts
from challenge.models import Attempt, Host, Kind, Phase, State, Submission, Team
from sandbox import Limits

log = structlog.get_logger(__name__)


def waiting() -> QuerySet[Submission]:
    """All in the queue, in the order in which they will be claimed. What is held for the operators is not in it."""
    return Submission.objects.filter(state=State.QUEUED, held_at=None).order_by("turn", "queued_at", "id")


def due(host: Host | None = None) -> QuerySet[Submission]:
    """Those of them that may be claimed now, by this host if one is named."""
    return _ready().filter(waiting_for([host] if host else None))


def _ready() -> QuerySet[Submission]:
    return waiting().filter(Q(not_before=None) | Q(not_before__lte=Now()))


def next_due(host: Host | None = None, kind: Kind | None = None) -> QuerySet[Submission]:
    """Those of the phase whose first is the first of all that are due, in their order.

    Of each phase the first is found in one step of an index. Asked for all phases at once, PostgreSQL walks past
    whatever waits for other hosts: 60 ms a claim behind 100,000 of them.

    Args:
        kind: of this kind only; None: of any.
    """
    takeable = waiting_for([host] if host else None) & (Q(kind=kind) if kind else Q())
    heads = [
        head
        for phase in _phases_in_line()
        if (head := _ready().filter(takeable, phase=phase).values_list("turn", "queued_at", "pk", "phase").first())
    ]
    return _ready().filter(takeable, phase=min(heads)[-1]) if heads else Submission.objects.none()


def due_queues(host: Host) -> list[str]:
    """Those of the host's queues in which something waits that it could take, were it idle."""
    mine = due(host)
    queues = {phase.queue for phase in _phases_in_line() if phase.queue in host.queues}
    return sorted(queue for queue in queues if mine.filter(phase__queue=queue).exists())


def waiting_for(takers: list[Host] | None) -> Q:
    """What of the queue one of these hosts can take. None: whoever takes it.

    Predictions need no room for a container, so that any host will do that serves the queue. Limits that can't be read
    are nobody's: one bad phase must not stop the whole queue.
    """
    readable = [(phase, limits) for phase in _phases_in_line() if (limits := _limits(phase))]
    if takers is None:
        return Q(phase__in=[phase for phase, _ in readable])
    run = [phase for phase, limits in readable if not hosts.shortfall(takers, phase, limits)]
    scored = [phase for phase, _ in readable if phase not in run and hosts.serving(takers, phase)]
    takeable = Q(phase__in=run)
    return takeable | Q(phase__in=scored, kind=Kind.PREDICTIONS) if scored else takeable


def _phases_in_line() -> QuerySet[Phase]:
    """Phases with something in the queue.

    One look into an index for each phase. EXISTS here would be made into a join by PostgreSQL, which reads the whole
    queue as soon as there are two phases: 20 ms for 100,000 that wait.
    """
    first = waiting().filter(phase=OuterRef("pk")).values("turn")[:1]
    return Phase.objects.annotate(first_turn=Subquery(first)).filter(first_turn__isnull=False)


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
    found = []
    for phase in _phases_in_line():
        reason = _stuck_because(phase, in_service)
        if reason and not waiting().filter(phase=phase).exclude(kind=Kind.PREDICTIONS).exists():
            reason = _stuck_because(phase, in_service, Kind.PREDICTIONS)
        if reason:
            found.append((phase, reason))
    return found


def _stuck_because(phase: Phase, in_service: list[Host], kind: str = Kind.CODE) -> str:
    limits = _limits(phase)
    if limits is None:
        return "no way to read the limits of its phase"
    if not Kind(kind).runs and hosts.serving(in_service, phase):
        return ""
    lacking = hosts.shortfall(in_service, phase, limits)
    return f"no evaluation host {lacking}" if lacking else ""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where a submission stands.

    Attributes:
        position: 1 for the one that will be claimed next, among those that the same hosts take: who waits for other
            hosts stands in nobody's way. None unless it is in the queue.
        why: a sentence for its team if it waits for something else than its turn; else empty.
        ahead: what is claimed before it, by hosts that could take it.
        takers: those hosts.
    """

    position: int | None = None
    why: str = ""
    ahead: Q = dataclasses.field(default_factory=Q, compare=False)
    takers: tuple[Host, ...] = dataclasses.field(default=(), compare=False)


def place(submission: Submission) -> Place:
    """Where it stands in the queue, and what it waits for if not for its turn."""
    if submission.state != State.QUEUED or submission.queued_at is None:
        return Place()
    if submission.held_at is not None:
        return Place(why=submission.note)
    in_service = list(hosts.live())
    because = _stuck_because(submission.phase, in_service, submission.kind)
    why = f"It waits: there is {because}. The operators have been told." if because else ""
    could = takers(submission.phase, submission.kind, in_service)
    before = Q(turn__lt=submission.turn) | Q(turn=submission.turn) & (
        Q(queued_at__lt=submission.queued_at) | Q(queued_at=submission.queued_at, pk__lt=submission.pk)
    )
    ahead = before & (waiting_for(could) | Q(phase=submission.phase_id))
    return Place(waiting().filter(ahead).count() + 1, why, ahead, tuple(could))


def takers(phase: Phase, kind: str, in_service: list[Host] | None = None) -> list[Host]:
    """Those of the hosts in service that can take submissions of this kind to a phase."""
    in_service = list(hosts.live()) if in_service is None else in_service
    limits = _limits(phase)
    if not Kind(kind).runs:
        return hosts.serving(in_service, phase)
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
