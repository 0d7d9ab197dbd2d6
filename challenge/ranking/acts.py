"""What people do that changes who stands where: choose, disqualify, reinstate, reveal. Each is one transaction.

Acts of organizers and staff leave a line in the audit trail; a team's own choice does not.
"""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from challenge import audit, mails, permissions
from challenge.admission import GRACE_MINUTES, Refused
from challenge.models import Phase, State, Submission, Team
from challenge.ranking.rows import rebuild, refresh

MOST_REASON = 300
"""Characters of a public reason."""


# A team's own choice


def choose_final(submission: Submission, by: User) -> None:
    """Makes this the one its team is judged by in the final standing, instead of any other.

    Raises:
        Refused: not the team's to do, too late, or the submission has no score that counts.
    """
    with transaction.atomic():
        found = _lock_choice(submission, by)
        if found.disqualified_at is not None:
            raise Refused("This submission is disqualified, so it can't be chosen.")
        if found.score_id is None:
            raise Refused(
                "Only a submission with a score can be chosen. Wait until it is evaluated, or choose another."
            )
        Submission.objects.filter(phase=found.phase_id, team=found.team_id, is_chosen=True).exclude(pk=found.pk).update(
            is_chosen=False
        )
        Submission.objects.filter(pk=found.pk).update(is_chosen=True)
        refresh(found.phase, found.team)
    submission.refresh_from_db()


def unchoose_final(submission: Submission, by: User) -> None:
    """Takes the choice back: the team's best submission by the public score then stands for it.

    Raises:
        Refused: not the team's to do, or too late.
    """
    with transaction.atomic():
        found = _lock_choice(submission, by)
        Submission.objects.filter(pk=found.pk).update(is_chosen=False)
        refresh(found.phase, found.team)
    submission.refresh_from_db()


def _lock_choice(submission: Submission, by: User) -> Submission:
    """The submission as it is now, held together with the one that is chosen at present."""
    of_team = Submission.objects.filter(phase=submission.phase_id, team=submission.team_id)
    held = of_team.filter(pk=submission.pk) | of_team.filter(is_chosen=True)
    rows = {row.pk: row for row in held.select_for_update(no_key=True, of=("self",)).order_by("pk")}
    list(Team.objects.select_for_update(no_key=True).filter(pk=submission.team_id))
    found = rows[submission.pk]
    if not permissions.can_choose_final(by, found):
        raise Refused("Only its team chooses which submission it is judged by.")
    phase = found.phase
    if phase.revealed_at is not None:
        raise Refused("The final standing has been revealed. The choice stays as it was.")
    if phase.closes <= timezone.now():
        raise Refused(f"This phase closed on {phase.closes:%d %B %Y at %H:%M} UTC. The choice stays as it was.")
    return found


# Organizers and staff


def disqualify(what: Submission | Team, by: User, reason: str) -> None:
    """Takes a submission, or a whole team in all phases, out of every ranking. Everybody may read the reason.

    Raises:
        Refused: no reason, not allowed, or it is disqualified already.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise Refused("Give a reason. It is shown to everybody, and mailed to the team.")
    if len(reason) > MOST_REASON:
        raise Refused(f"The reason has {len(reason)} characters; at most {MOST_REASON} fit.")
    with transaction.atomic():
        found = _lock(what, by)
        if found.disqualified_at is not None:
            raise Refused(f"{_name(found)} is disqualified already.")
        found.disqualified_at, found.disqualified_why = timezone.now(), reason
        found.save(update_fields=["disqualified_at", "disqualified_why"])
        _refresh(found)
        audit.note(_team(found).challenge, by, "disqualify", f"Disqualified {_name(found)}", **_details(found, reason))
        mails.disqualified(found)
    what.refresh_from_db()


def reinstate(what: Submission | Team, by: User, reason: str) -> None:
    """Takes a disqualification back: it is ranked again as if nothing had been. The reason is kept for the trail.

    Raises:
        Refused: no reason, not allowed, or it is not disqualified.
    """
    reason = " ".join(reason.split())[:MOST_REASON]
    if not reason:
        raise Refused("Give a reason. It is kept in the audit trail.")
    with transaction.atomic():
        found = _lock(what, by)
        if found.disqualified_at is None:
            raise Refused(f"{_name(found)} is not disqualified.")
        was = found.disqualified_why
        found.disqualified_at, found.disqualified_why = None, ""
        found.save(update_fields=["disqualified_at", "disqualified_why"])
        _refresh(found)
        details = _details(found, reason) | {"was": was}
        audit.note(_team(found).challenge, by, "reinstate", f"Reinstated {_name(found)}", **details)
    what.refresh_from_db()


def _lock(what: Submission | Team, by: User) -> Submission | Team:
    if isinstance(what, Submission):
        one = Submission.objects.select_for_update(no_key=True, of=("self",)).select_related("team__challenge", "phase")
        found: Submission | Team = one.get(pk=what.pk)
    else:
        found = Team.objects.select_for_update(no_key=True, of=("self",)).select_related("challenge").get(pk=what.pk)
    if not permissions.can_disqualify(by, found):
        raise Refused("Only organizers of the challenge and staff may do that.")
    return found


def _team(what: Submission | Team) -> Team:
    return what.team if isinstance(what, Submission) else what


def _name(what: Submission | Team) -> str:
    return f"“{what.title}” of team {what.team}" if isinstance(what, Submission) else f"the team {what}"


def _details(what: Submission | Team, reason: str) -> dict[str, str]:
    kind = "submission" if isinstance(what, Submission) else "team"
    return {kind: str(what.pk), "why": reason}


def _refresh(what: Submission | Team) -> None:
    if isinstance(what, Submission):
        refresh(what.phase, what.team)
        return
    for phase in Phase.objects.filter(submissions__team=what).distinct().order_by("pk"):
        refresh(phase, what)


# The reveal


def why_not_reveal(phase: Phase) -> str:
    """Why the final standing can't be revealed now, and what to do; empty if it can."""
    if phase.revealed_at is not None:
        return f"The final standing was revealed on {phase.revealed_at:%d %B %Y at %H:%M} UTC."
    if not phase.has_split and phase.freezes is None:
        return (
            "There is nothing to reveal: this phase has neither a private part nor a freeze. "
            "Its final standing is public as soon as it has closed."
        )
    if phase.closes > timezone.now():
        return f"The phase is open until {phase.closes:%d %B %Y at %H:%M} UTC. Reveal when it has closed."
    if left := _under_way(phase):
        return f"Scores are still to come: {left}. Reveal when they are done, or cancel them."
    return ""


def _under_way(phase: Phase) -> str:
    """What may yet get a score, in words; empty if nothing may."""
    words = {State.QUEUED: "waiting", State.EVALUATING: "being evaluated"}
    if timezone.now() < phase.closes + dt.timedelta(minutes=GRACE_MINUTES):
        words = {State.UPLOADING: "being uploaded"} | words  # Later ones can't be completed any more.
    rows = Submission.objects.filter(phase=phase, state__in=words).values("state").annotate(count=Count("pk"))
    count = {row["state"]: row["count"] for row in rows.order_by("state")}
    parts = [f"{count[state]} {what}" for state, what in words.items() if state in count]
    held = Submission.objects.filter(phase=phase, state=State.QUEUED, held_at__isnull=False).count()
    if held:
        parts.append(f"{held} of those waiting held for the operators")
    return ", ".join(parts)


def reveal(phase: Phase, by: User) -> None:
    """Makes the final standing public, ends the freeze, and has the history go on from there. There is no way back.

    Raises:
        Refused: not allowed, the phase is open, scores are still to come, or it has been revealed.
    """
    with transaction.atomic():
        found = Phase.objects.select_for_update(no_key=True, of=("self",)).select_related("challenge").get(pk=phase.pk)
        if not permissions.can_reveal(by, found):
            raise Refused("Only organizers of the challenge and staff may do that.")
        if why := why_not_reveal(found):
            raise Refused(why)
        found.revealed_at = timezone.now()
        found.save(update_fields=["revealed_at"])
        if found.freezes is not None:
            rebuild(found, since=found.freezes)
        what = f"Revealed the final standing of {found.title}"
        audit.note(found.challenge, by, "reveal", what, phase=found.slug)
    phase.refresh_from_db()
