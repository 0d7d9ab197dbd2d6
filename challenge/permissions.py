"""Who may do what: the one module of rules that views, the API and the admin ask.

Every rule is a function of a user (perhaps anonymous) and a record; the querysets are the same rules for lists.
A caller answers 404, not 403, for what its user may not see, so that ids tell a stranger nothing.

The parts people play: a *visitor* has no account or no tie to the challenge; a *member* belongs to the submission's
team; an *organizer* is named by the challenge; *staff* may do whatever an organizer may, everywhere.
"""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from challenge.models import (
    Challenge,
    Dataset,
    Invitation,
    Membership,
    Phase,
    Role,
    Stage,
    Standing,
    Submission,
    Team,
)

Person = AbstractBaseUser | AnonymousUser
"""`request.user`."""


def _is_staff(user: Person) -> bool:
    return bool(user.is_authenticated and user.is_active and getattr(user, "is_staff", False))


NOT_CONFIRMED = (
    "Confirm your mail address first: open the link that we have mailed to you. Your profile page sends it again."
)


def has_confirmed_address(user: Person) -> bool:
    """May found and join teams and submit: a mail address is surely hers, or this site can't ask for that."""
    if settings.ACCOUNT_EMAIL_VERIFICATION != "mandatory":
        return True
    return bool(EmailAddress.objects.filter(user=user.pk, verified=True).exists())


# Challenges and phases


def visible_challenges(user: Person) -> QuerySet[Challenge]:
    """Challenges this user may see: the public ones, and those she organizes. Staff see all."""
    if _is_staff(user):
        return Challenge.objects.all()
    allowed = Q(stage=Stage.LIVE)
    if user.is_authenticated:
        allowed |= Q(pk__in=organized_challenges(user).values("pk"))
    return Challenge.objects.filter(allowed)


def organized_challenges(user: Person) -> QuerySet[Challenge]:
    """Challenges this user may edit. Staff: all."""
    if _is_staff(user):
        return Challenge.objects.all()
    if not user.is_authenticated:
        return Challenge.objects.none()
    return Challenge.objects.filter(organizers=user.pk)


def visible_phases(user: Person) -> QuerySet[Phase]:
    """Phases of the challenges this user may see, coming and past ones included."""
    return Phase.objects.filter(challenge__in=visible_challenges(user))


def can_see_challenge(user: Person, challenge: Challenge) -> bool:
    """Its pages, its phases and its boards."""
    return challenge.is_public or can_edit(user, challenge)


def can_edit(user: Person, challenge: Challenge) -> bool:
    """Edit the challenge and its phases' limits, see all of its submissions, re-run them."""
    if _is_staff(user):
        return True
    if "organizers" in getattr(challenge, "_prefetched_objects_cache", {}):  # Pages that ask often fetch them once.
        return any(organizer.pk == user.pk for organizer in challenge.organizers.all())
    return user.is_authenticated and challenge.organizers.filter(pk=user.pk).exists()


def can_submit(user: Person, phase: Phase) -> bool:
    """Use the submit page at all. Dates and quotas are not permissions: submissions.py refuses with the reason."""
    return user.is_authenticated and can_see_challenge(user, phase.challenge)


def usable_datasets(user: Person, challenge: Challenge) -> QuerySet[Dataset]:
    """Data sets that a challenge may be given by this user: who runs code on images can have them read out.

    Open and drawn ones, those that staff have granted to the challenge, and those it has. Staff: all.
    """
    if _is_staff(user):
        return Dataset.objects.all()
    allowed = Q(is_open=True) | Q(is_drawn=True)
    if challenge.pk:
        allowed |= Q(granted=challenge)
        allowed |= Q(pk__in=challenge.phases.values("dataset"))
    return Dataset.objects.filter(allowed).distinct()


# Boards


def standings_for(user: Person, phase: Phase) -> list[Standing]:
    """Which boards of a phase this user may see, the first being the one to show unasked.

    The final one is public once it can change no more by a submission: after the reveal, or, where there is neither a
    private part nor a freeze, once the phase has closed. Before that organizers and staff may look at it, unless they
    are in a team that takes part: it tells of private images.
    """
    if _final_is_public(phase):
        return [Standing.FINAL, Standing.BEST, Standing.LATEST]
    early = can_see_final_early(user, phase)
    return [Standing.BEST, Standing.LATEST, *([Standing.FINAL] if early else [])]


def _final_is_public(phase: Phase) -> bool:
    if phase.has_split or phase.freezes is not None:
        return phase.revealed_at is not None
    return phase.closes <= timezone.now()


def can_see_report(user: Person, submission: Submission) -> bool:
    """Its public report: who may see a board that it is on. Others are told nothing, not even that it exists."""
    phase = submission.phase
    if not can_see_challenge(user, phase.challenge):
        return False
    return submission.board_rows.filter(phase=phase, standing__in=standings_for(user, phase)).exists()


def can_see_final_early(user: Person, phase: Phase) -> bool:
    """The final board and private scores before the reveal."""
    if not can_edit(user, phase.challenge):
        return False
    return not Membership.objects.filter(user=user.pk, challenge=phase.challenge_id, team__is_baseline=False).exists()


def can_reveal(user: Person, phase: Phase) -> bool:
    """Make the final standing public. Whether it is time is for ranking/ to say."""
    return can_edit(user, phase.challenge)


def can_disqualify(user: Person, what: Submission | Team) -> bool:
    """A submission or a whole team, and take it back: organizers and staff."""
    return can_edit(user, what.phase.challenge if isinstance(what, Submission) else what.challenge)


def can_choose_final(user: Person, submission: Submission) -> bool:
    """Which submission stands for the team in the final standing: its members choose, nobody for them."""
    return is_member(user, submission)


# Teams


def is_owner(user: Person, team: Team) -> bool:
    """Invites, removes, promotes, renames, merges."""
    return user.is_authenticated and team.memberships.filter(user=user.pk, role=Role.OWNER).exists()


def why_not_rename(user: Person, team: Team) -> str:
    """Why she may not give the team another name; empty if she may.

    Once it is ranked, people know it by its name: then only organizers may, for a name that must not stay.
    """
    if can_edit(user, team.challenge):
        return ""
    if not is_owner(user, team):
        return "Only an owner of the team may do this."
    if team.submissions.filter(score__isnull=False).exists():
        return "The team has a score, and is known by its name. Ask the organizers if it has to change."
    return ""


def answerable_invitations(user: Person) -> QuerySet[Invitation]:
    """Those that name her, an address that is surely hers, or a team she owns. That they are open is not asked."""
    if not user.is_authenticated:
        return Invitation.objects.none()
    addresses = EmailAddress.objects.filter(user=user.pk, verified=True).values(lower=Lower("email"))
    owned = Membership.objects.filter(user=user.pk, role=Role.OWNER).values("team")
    return Invitation.objects.filter(Q(user=user.pk) | Q(email__in=addresses) | Q(guest_team__in=owned))


def can_answer(user: Person, invitation: Invitation) -> bool:
    """Accept or decline it."""
    return answerable_invitations(user).filter(pk=invitation.pk).exists()


def visible_invitations(user: Person) -> QuerySet[Invitation]:
    """Those she may answer, and those that the teams she owns have sent."""
    if not user.is_authenticated:
        return Invitation.objects.none()
    owned = Membership.objects.filter(user=user.pk, role=Role.OWNER).values("team")
    return Invitation.objects.filter(
        Q(pk__in=answerable_invitations(user).values("pk")) | Q(team__in=owned)
    ).select_related("team__challenge", "guest_team", "user", "by")


# Submissions


def is_member(user: Person, submission: Submission) -> bool:
    """In the submission's team."""
    if "memberships" in getattr(submission.team, "_prefetched_objects_cache", {}):  # As with organizers.
        return any(membership.user_id == user.pk for membership in submission.team.memberships.all())
    return user.is_authenticated and submission.team.memberships.filter(user_id=user.pk).exists()


def can_see_submission(user: Person, submission: Submission) -> bool:
    """Its page, report and history: its team, the challenge's organizers, staff. Nobody else."""
    return is_member(user, submission) or can_edit(user, submission.phase.challenge)


def visible_submissions(user: Person) -> QuerySet[Submission]:
    """The same rule as a queryset: of one's teams and of the challenges one organizes."""
    if _is_staff(user):
        return Submission.objects.all()
    if not user.is_authenticated:
        return Submission.objects.none()
    return Submission.objects.filter(
        Q(team__in=Team.objects.filter(memberships__user=user.pk).values("pk"))
        | Q(phase__challenge__in=organized_challenges(user).values("pk"))
    )


def own_submissions(user: Person) -> QuerySet[Submission]:
    """Those of the teams this user is in."""
    if not user.is_authenticated:
        return Submission.objects.none()
    return Submission.objects.filter(team__memberships__user=user.pk)


def can_describe(user: Person, submission: Submission) -> bool:
    """Put right what its team says of it: the team alone."""
    return is_member(user, submission)


def can_download(user: Person, submission: Submission) -> bool:
    """The upload itself, again: the team alone. Others have no use for its weights but to take them."""
    return is_member(user, submission)


def can_cancel(user: Person, submission: Submission) -> bool:
    """Its team and the organizers may. Whether it can still be cancelled is for submissions.py to say."""
    return can_see_submission(user, submission)


def can_rerun(user: Person, submission: Submission) -> bool:
    """Organizers and staff: a re-run by the team would be a way round the quota."""
    return can_edit(user, submission.phase.challenge)


def can_see_log(user: Person, submission: Submission) -> bool:
    """The container's log, the error detail drawn from it and per-image progress.

    On a phase with hidden data a log could carry the images out, so its team may not read it.
    """
    if can_edit(user, submission.phase.challenge):
        return True
    return not submission.phase.hidden_data and is_member(user, submission)


# Uploads


def own_uploads(user: Person) -> QuerySet[Submission]:
    """Those this user has begun herself, and may still see. Others of her team may cancel them, not add to them."""
    if not user.is_authenticated:
        return Submission.objects.none()
    return visible_submissions(user).filter(creator=user.pk)
