"""What people are told by mail, and whom: written in the transaction that it tells of, sent afterwards by delivery.py.

Each function here tells of one kind of event. Its text is a template in `templates/mails/`: the subject, a line `---`,
the body. What is written with a `cause` that was there before is not written again: nobody is told twice.
"""

from __future__ import annotations

import re
import textwrap
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import structlog
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from challenge import alerts, delivery, subscriptions
from challenge.models import Announcement, Challenge, Invitation, Notice, Score, Submission, Team, Topic
from sandbox import Verdict

NEWS_BATCH = 500
"""So many mails of announcements wait at once: other mails then wait behind no more than these."""

MOST_BODY_CHARACTERS = 20_000
WIDTH = 72

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Nothing that steers a terminal or turns text round; joiners stay, which scripts of India need."""

log = structlog.get_logger(__name__)


# Events


def ended(submission: Submission, ended: Verdict, attempt_number: int, score: Score | None) -> None:
    """Its sender is told that a submission has ended, with all that matters of the result."""
    if submission.team.is_baseline:
        return
    context = {
        "submission": submission,
        "verdict": ended,
        "score": score,
        "again": attempt_number > 1,
        "page": _page("submission", submission.pk),
    }
    tell([submission.creator], Topic.DONE, f"done {submission.pk} {attempt_number}", "ended", context)


def invited(invitation: Invitation) -> None:
    """To the person who is asked to join a team, or to the owners of the team that is asked to merge."""
    context = {"invitation": invitation, "page": _page("invitation", invitation.pk)}
    if invitation.guest_team is not None:
        owners = [row.user for row in invitation.guest_team.memberships.filter(role="owner").select_related("user")]
        tell(owners, Topic.TEAM, f"merge {invitation.pk}", "merge_asked", context)
    elif invitation.user is not None:
        tell([invitation.user], Topic.TEAM, _once_a_day(invitation), "invited", context)
    else:
        _write([_notice(None, invitation.email, Topic.TEAM, _once_a_day(invitation), "invited", context)])
    soon()


def _once_a_day(invitation: Invitation) -> str:
    """Withdrawn and sent again, over and over, it is mailed once."""
    whom = invitation.user_id or invitation.email.lower()
    return f"invited {invitation.team_id} {whom}"[:80] + f" {timezone.now():%Y-%m-%d}"


def answered(invitation: Invitation) -> None:
    """Who invited is told what came of it."""
    context = {"invitation": invitation, "page": _page("my_team", invitation.team.challenge.slug)}
    tell([invitation.by], Topic.TEAM, f"answered {invitation.pk}", "answered", context)


def merged(guest_name: str, host: Team, people: Sequence[User], cause: str) -> None:
    """Everybody in the team that two have become."""
    context = {"guest_name": guest_name, "team": host, "page": _page("my_team", host.challenge.slug)}
    tell(people, Topic.TEAM, f"merged {cause}", "merged", context)


def removed(team: Team, user: User, by: User) -> None:
    """A person whom an owner took out of the team."""
    context = {"team": team, "by": by, "page": _page("my_team", team.challenge.slug)}
    tell([user], Topic.TEAM, f"removed {team.pk} {user.pk} {timezone.now():%Y%m%d%H%M%S}", "removed", context)


def disqualified(what: Submission | Team) -> None:
    """The team of a submission, or a team as a whole, is told that it is no longer ranked, and why."""
    team = what.team if isinstance(what, Submission) else what
    challenge = team.challenge
    page = _page("submission", what.pk) if isinstance(what, Submission) else _page("my_team", challenge.slug)
    context = {
        "team": team,
        "submission": what if isinstance(what, Submission) else None,
        "why": what.disqualified_why,
        "page": page,
    }
    cause = f"disqualified {what.pk} {what.disqualified_at or timezone.now():%Y%m%d%H%M%S}"
    people = User.objects.filter(memberships__team=team)
    tell(people, Topic.TEAM, cause, "disqualified", context)


def review_asked(challenge: Challenge, by: User) -> None:
    """Staff are told that a challenge waits for their review."""
    staff = User.objects.filter(is_staff=True)
    context = {"challenge": challenge, "by": by, "page": _page("challenge", challenge.slug)}
    cause = f"review {challenge.pk} {timezone.now():%Y%m%d%H%M%S}"
    tell(staff, Topic.ORGANIZER, cause, "review_asked", context)


def reviewed(challenge: Challenge) -> None:
    """Its organizers are told what staff answered: it is live, or `review_note` says what to change."""
    context = {"challenge": challenge, "page": _page("challenge", challenge.slug)}
    cause = f"reviewed {challenge.pk} {timezone.now():%Y%m%d%H%M%S}"
    tell(challenge.organizers.all(), Topic.ORGANIZER, cause, "reviewed", context)


def about_account(address: str, subject: str, body: str) -> None:
    """What an account's owner waits for, or must know at once: a link that confirms, a password that was changed."""
    cause = f"account {uuid.uuid4()}"
    words = _filled(body.strip()[:MOST_BODY_CHARACTERS]) + "\n" + _footer(None, Topic.ACCOUNT)
    _write([Notice(email=address, topic=Topic.ACCOUNT, cause=cause, subject=_one_line(subject)[:200], body=words)])
    soon()


# Announcements


def spread_news() -> int:
    """Writes the mails of announcements that have not reached everybody, in portions; returns how many it wrote.

    With `mail_after=0` an `Announcement` is all that its own transaction has to write, however many people read it.
    """
    wrote = 0
    to_mail = Announcement.objects.filter(mail_after__isnull=False)
    for pk in to_mail.order_by("id").values_list("pk", flat=True)[:10]:
        with transaction.atomic():
            found = to_mail.select_for_update(of=("self",)).select_related("challenge").filter(pk=pk).first()
            waiting = Notice.objects.filter(topic=Topic.NEWS, sent_at=None, given_up_at=None).count()
            if found is not None and waiting < NEWS_BATCH:
                wrote += _spread(found, NEWS_BATCH - waiting)
    return wrote


def _spread(news: Announcement, most: int) -> int:
    """The next portion; nobody any more once it was withdrawn, or its challenge is not public."""
    batch: list[User] = []
    if news.withdrawn_at is None and news.challenge.is_public:
        readers = User.objects.filter(memberships__challenge=news.challenge, pk__gt=news.mail_after or 0).order_by("pk")
        batch = list(readers.exclude(profile__mail_news=False)[:most])
    context = {"news": news, "page": _page("challenge", news.challenge.slug)}
    tell(batch, Topic.NEWS, f"news {news.pk}", "news", context)
    news.mail_after = batch[-1].pk if len(batch) == most else None
    news.mailed += len(batch)
    news.save(update_fields=["mail_after", "mailed"])
    return len(batch)


# Writing


def tell(people: Iterable[User], topic: Topic, cause: str, template: str, context: dict[str, Any]) -> None:
    """Writes a mail to each of these people who wants such mails and has an address that is hers.

    Args:
        cause: what it tells of, the same for all of them; at most 80 characters.
    """
    active = [person for person in people if person.is_active]
    unwilling = subscriptions.unwilling([person.pk for person in active], topic)
    wanted = [person for person in active if person.pk not in unwilling]
    addresses = addresses_of(wanted)
    _write(
        _notice(person, addresses[person.pk], topic, f"{cause} to {person.pk}", template, context)
        for person in wanted
        if person.pk in addresses
    )


def addresses_of(people: Sequence[User]) -> dict[int, str]:
    """Where mail for each of them goes, by the user's number; who has no address that is surely hers is left out."""
    known = EmailAddress.objects.filter(user__in=[person.pk for person in people], verified=True)
    found = {row.user_id: row.email for row in known.order_by("primary", "pk")}  # The primary one last: it stays.
    if settings.ACCOUNT_EMAIL_VERIFICATION != "mandatory":
        found = {person.pk: person.email for person in people if person.email} | found
    return found


def _notice(
    person: User | None, address: str, topic: Topic, cause: str, template: str, context: dict[str, Any]
) -> Notice:
    subject, body = text(template, {**context, "person": person})
    footer = _footer(person, topic)
    return Notice(user=person, email=address, topic=topic, cause=cause[:100], subject=subject, body=body + footer)


def text(template: str, context: dict[str, Any]) -> tuple[str, str]:
    """Subject and body that a template gives. Its lines are filled to a width that every mail program shows."""
    rendered = render_to_string(f"mails/{template}.txt", {**context, "site": settings.SITE_URL})
    subject, _, body = rendered.strip().partition("\n---\n")
    return f"[Parakh] {_one_line(subject)}"[:200], _filled(body.strip()[:MOST_BODY_CHARACTERS]) + "\n"


def _footer(person: User | None, topic: Topic) -> str:
    lines = [f"-- \nParakh, {settings.SITE_URL}"]
    if person is not None and topic in subscriptions.FIELDS:
        lines.append(f"No more {subscriptions.WORDS[topic]}: {subscriptions.link(person.pk, topic)}")
    return "\n" + "\n".join(lines) + "\n"


def _one_line(words: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def _filled(body: str) -> str:
    """Each line broken at WIDTH. Indented ones, such as a link alone, stay as they are."""
    shown = _CONTROLS.sub("", body.replace("\r\n", "\n"))
    lines = [
        line if line.startswith(" ") else textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False)
        for line in shown.split("\n")
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def _write(notices: Iterable[Notice]) -> None:
    """Those whose cause is there already are left out."""
    Notice.objects.bulk_create(notices, ignore_conflicts=True)


def _page(name: str, *arguments: Any) -> str:
    return settings.SITE_URL + reverse(name, args=arguments)


# Sending


def rounds(should_stop: Callable[[], bool] = lambda: False) -> None:
    """Sends all that is due, news as they are spread, and tells the operators of what had to be given up."""
    while True:
        spread = spread_news()
        done = delivery.deliver(should_stop=should_stop)
        if done.given_up:
            _tell_operators(done.given_up)
        if not (spread or done.sent) or done.server_error or should_stop():
            return


def _tell_operators(given_up: list[str]) -> None:
    listed = "\n".join(f"  {line}" for line in given_up[:20])
    alerts.alert(
        "mails given up",
        f"{len(given_up)} mail{'s were' if len(given_up) > 1 else ' was'} given up",
        "The mail server did not take these, over and over:\n\n"
        f"{listed}\n\nWhat they told stands on the site's pages too. If it is one address, it was mistyped or is gone; "
        "if it is all of them, look at the mail server and at EMAIL_HOST and its relatives.",
    )


_sender = threading.Lock()


def soon() -> None:
    """Once the transaction is committed, a thread of this process sends what is due: people wait for these mails.

    Only in web processes, and only the first few: should it fail, workers and beat go on with it.
    """
    if settings.PARAKH_MAIL_SOON:
        transaction.on_commit(partial(_start_sender), robust=True)


def _start_sender() -> None:
    threading.Thread(target=_send_some, name="mails", daemon=True).start()


def _send_some() -> None:
    if not _sender.acquire(blocking=False):
        return  # One is at it, and looks again before it ends.
    try:
        delivery.deliver(most=20)
    except Exception:
        log.exception("mails could not be sent; workers and beat will")
    finally:
        _sender.release()
        connection.close()
