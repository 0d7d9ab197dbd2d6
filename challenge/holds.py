"""What operators do with a submission that is held: let it run again, or end it with a reason its team reads."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from challenge import faults, states
from challenge.celery import ring_bell
from challenge.models import State, Submission


def release(submission: Submission, by: User, reason: str) -> bool:
    """Puts it back into the queue, at its old place. The workers it cost are forgotten, its faults are not.

    False: it is not held.
    """
    with transaction.atomic():
        held = Submission.objects.filter(pk=submission.pk, state=State.QUEUED, held_at__isnull=False)
        if not held.update(held_at=None, note="", workers_lost=0, not_before=None):
            return False
        states.note_move(submission, State.QUEUED, State.QUEUED, by.get_username(), f"released: {reason}")
        transaction.on_commit(lambda: ring_bell(submission.phase.queue))
    return True


def fail(submission: Submission, by: User, reason: str) -> bool:
    """Ends it. A re-run leaves the score it had. False: it is not held."""
    with transaction.atomic():
        held = Submission.objects.select_for_update().filter(pk=submission.pk, held_at__isnull=False).first()
        return held is not None and states.move(
            held,
            State.QUEUED,
            State.FINISHED if held.score_id else State.FAILED,
            actor=by.get_username(),
            reason=f"ended by the operators: {reason}",
            note=f"The operators ended it: {reason}"[:300],
            charged=held.charged and faults.is_used(held),
            finished_at=Now(),
        )
