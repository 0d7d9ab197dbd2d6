"""How two teams become one: everybody and everything of the guest moves to the host, in one transaction, for good."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from challenge import audit, mails, quotas, ranking, teams
from challenge.models import Phase, QuotaGrant, State, Submission, Team
from challenge.teams import TeamRefused

UNDER_WAY = (State.UPLOADING, State.QUEUED, State.EVALUATING)


def reasons(host: Team, guest: Team, *, tells_all: bool = True) -> list[str]:
    """Why they can't merge now: sentences, all of them at once. The caller holds both teams.

    Args:
        tells_all: False for the host alone, who is not told how much the guest has sent and what it has under way.
    """
    found = list(dict.fromkeys(why for why in (teams.why_closed(host), teams.why_closed(guest)) if why))
    if host.challenge_id != guest.challenge_id:
        found.append("The two teams are in different challenges.")
    most, size = host.challenge.largest_team, host.memberships.count() + guest.memberships.count()
    if size > most:
        found.append(f"Together you are {size} people; {most} are the most in this challenge.")
    if not tells_all:
        return found
    if Submission.objects.filter(team=guest, state__in=UNDER_WAY).exists():
        found.append(f"Something of {guest} is being uploaded, waits or runs. Wait for it to end, or cancel it.")
    if why := quotas.excess(list(host.challenge.phases.all()), [host, guest]):
        found.append(why)
    return found


def hold(host: Team, guest: Team) -> list[Team]:
    """Both as they are now, held until the transaction ends, after all that the guest has sent.

    In the order of all who hold several things: submissions, teams, boards.
    """
    sent = Submission.objects.select_for_update(no_key=True, of=("self",)).filter(team=guest.pk).order_by("pk")
    list(sent.values_list("pk"))
    return teams.locked(host, guest)


def merge(host: Team, guest: Team, *, asked_by: User, accepted_by: User) -> Team:
    """Moves all of the guest to the host. History keeps who sent what; the guest is no more.

    Raises:
        TeamRefused: with all the reasons; nothing has changed then.
    """
    with transaction.atomic():
        host, guest = hold(host, guest)
        if found := reasons(host, guest):
            raise TeamRefused(" ".join(found))
        moved = Submission.objects.filter(team=guest)
        phases = list(Phase.objects.filter(pk__in=moved.values("phase")).order_by("pk"))
        people = [row.user for row in guest.memberships.select_related("user")]
        audit.note(
            host.challenge,
            accepted_by,
            "merge",
            f"The team {guest} became part of {host}",
            host=host.pk,
            guest={"id": guest.pk, "name": guest.name, "slug": guest.slug},
            asked_by=asked_by.get_username(),
            people=[person.get_username() for person in people],
            submissions=[str(pk) for pk in moved.values_list("pk", flat=True)],
        )
        _move(host, guest, phases)
        name, cause = guest.name, f"{host.pk} {guest.pk}"
        guest.delete()
        mails.merged(name, host, [row.user for row in host.memberships.select_related("user")], cause)
    return host


def _move(host: Team, guest: Team, phases: list[Phase]) -> None:
    # Each team has one choice in a phase: the host's stays.
    chosen = Submission.objects.filter(team=host, is_chosen=True).values("phase")
    Submission.objects.filter(team=guest, is_chosen=True, phase__in=chosen).update(is_chosen=False)
    Submission.objects.filter(team=guest).update(team=host)
    QuotaGrant.objects.filter(team=guest).update(team=host)
    guest.memberships.update(team=host)
    for phase in phases:
        ranking.refresh(phase, guest)
        ranking.refresh(phase, host)
