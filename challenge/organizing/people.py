"""Who organizes a challenge."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from challenge import audit
from challenge.models import Challenge
from challenge.organizing.acts import Refused

MOST_ORGANIZERS = 20


def add_organizer(challenge: Challenge, by: User, name: str) -> User:
    """Lets a person, by her user name, do all that organizers may.

    Raises:
        Refused: there is no such user, she is one already, or there are too many.
    """
    person = User.objects.filter(username=name.strip(), is_active=True).first()
    if person is None:
        raise Refused(
            f"There is no user called “{name.strip()[:50]}”. She must sign up first; capitals count in user names.",
            field="name",
        )
    with transaction.atomic():
        locked = Challenge.objects.select_for_update().get(pk=challenge.pk)
        if locked.organizers.filter(pk=person.pk).exists():
            raise Refused(f"{person} organizes this challenge already.", field="name")
        if locked.organizers.count() >= MOST_ORGANIZERS:
            raise Refused(f"A challenge has at most {MOST_ORGANIZERS} organizers. Remove one first.", field="name")
        locked.organizers.add(person)
        audit.note(challenge, by, "organizers", f"Made {person} an organizer", user=person.get_username())
    return person


def remove_organizer(challenge: Challenge, by: User, person: User) -> None:
    """Takes the rights of an organizer from a person; also from oneself.

    Raises:
        Refused: she is the last one, or none.
    """
    with transaction.atomic():
        locked = Challenge.objects.select_for_update().get(pk=challenge.pk)
        names = set(locked.organizers.values_list("pk", flat=True))
        if person.pk not in names:
            raise Refused(f"{person} does not organize this challenge.")
        if len(names) == 1:
            raise Refused("A challenge needs an organizer. Add another one first.")
        locked.organizers.remove(person)
        audit.note(challenge, by, "organizers", f"Removed {person} as an organizer", user=person.get_username())
