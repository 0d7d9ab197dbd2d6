"""Which host takes what, what waits for which host and says so, and who is taken out of service."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from challenge import holds, hosts, lineup, submissions
from challenge.models import Attempt, Host, Phase, State, Submission, Team
from sandbox import Code
from tests import factories
from tests.conftest import Site

GIB = 1024**3


@pytest.fixture(autouse=True)
def only_the_hosts_of_the_test(site: Site) -> None:
    Host.objects.all().delete()


def phase_of(site: Site, queue: str = "default", **limits: object) -> Phase:
    data = site.phase.limits.replace(**limits).as_dict()
    return factories.PhaseFactory(challenge=site.challenge, dataset=site.dataset, queue=queue, limits_data=data)


def claim(host: str) -> Submission | None:
    attempt = submissions.claim(f"{host}:1", 60, host)
    return attempt.submission if attempt else None


def fault(host: str, team: Team, phase: Phase, code: Code = Code.DISK_FAULT) -> None:
    """A submission of this team that fails by our fault on that host."""
    made = factories.submission(phase, team)
    attempt = submissions.claim("w", 60, host)
    assert attempt.submission == made
    assert submissions.platform_fault(attempt, code, "no space")
    Submission.objects.filter(pk=made.pk).update(not_before=timezone.now() + dt.timedelta(days=1))


# Room


def test_a_host_claims_no_more_than_it_has(site: Site) -> None:
    hosts.register("small", factories.offer(cores=3, memory_bytes=4 * GIB))
    phase = phase_of(site, cpus=2, cpu_quota=2.0, memory_bytes=GIB)
    made = [factories.submission(phase, site.team) for _ in range(2)]
    assert claim("small") == made[0]
    assert claim("small") is None, "one core is left"
    hosts.register("small", factories.offer(cores=4, memory_bytes=GIB))
    assert claim("small") is None, "no memory is left"
    hosts.register("small", factories.offer(cores=4, memory_bytes=2 * GIB))
    assert claim("small") == made[1]


def test_what_a_run_held_is_free_when_its_attempt_ends_however_it_ends(site: Site) -> None:
    hosts.register("small", factories.offer(cores=1))
    first, second = (factories.submission(site.phase, team) for team in (site.team, site.strangers))
    assert claim("small") == first
    assert claim("small") is None
    submissions.platform_fault(submissions.newest_attempt(first), Code.WORKER_LOST, "gone")
    assert claim("small") in (first, second)


def test_small_runs_do_not_keep_a_large_one_out(site: Site) -> None:
    hosts.register("host", factories.offer(cores=2))
    large = phase_of(site, cpus=2, cpu_quota=2.0)
    running = factories.submission(site.phase, site.team)
    assert claim("host") == running
    waiting = factories.submission(large, site.strangers)
    behind = factories.submission(site.phase, site.team)
    assert claim("host") is None, "the free core is kept for the one whose turn it is"
    submissions.publish(submissions.newest_attempt(running), factories.report())
    assert claim("host") == waiting
    submissions.publish(submissions.newest_attempt(waiting), factories.report())
    assert claim("host") == behind


@pytest.mark.parametrize(
    ("limits", "offer", "lacking"),
    [
        ({"cpus": 8, "cpu_quota": 8.0}, {}, "no evaluation host with 8 cores"),
        ({"memory_bytes": 16 * GIB}, {}, "no evaluation host with 16 GiB of memory"),
        ({"gpus": 1}, {}, "no evaluation host with 1 GPU"),
        ({"runtime": "runsc"}, {}, "no evaluation host with the runtime runsc"),
        ({}, {"queues": ("gpu",)}, "no evaluation host for the queue 'default'"),
    ],
)
def test_what_no_host_can_take_waits_and_says_why(
    site: Site, client: Client, limits: dict, offer: dict, lacking: str
) -> None:
    hosts.register("host", factories.offer(**offer))
    phase = phase_of(site, **limits)
    stuck = factories.submission(phase, site.team)
    assert claim("host") is None
    sentence = f"It waits: there is {lacking}. The operators have been told."
    assert lineup.place(stuck).why == sentence
    assert lineup.stuck_phases() == [(phase, lacking)]
    client.force_login(site.alice)
    page = client.get(f"/submissions/{stuck.pk}/").content.decode()
    assert lacking.replace("'", "&#x27;") in page
    assert client.get(f"/api/v1/submissions/{stuck.pk}/").json()["waits_for"] == sentence


def test_without_any_host_all_wait_and_say_so(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    assert "no evaluation host at all" in lineup.place(made).why
    hosts.register("host", factories.offer())
    assert lineup.place(made) == lineup.Place(position=1)
    Host.objects.update(last_seen=timezone.now() - dt.timedelta(seconds=hosts.ALIVE_SECONDS + 5))
    assert "no evaluation host at all" in lineup.place(made).why
    hosts.seen("host")
    assert not lineup.place(made).why


def test_phases_of_a_queue_go_to_its_hosts_and_positions_count_rivals_only(site: Site) -> None:
    hosts.register("plain", factories.offer())
    hosts.register("special", factories.offer(queues=("special",)))
    special = phase_of(site, queue="special")
    ordinary = [factories.submission(site.phase, site.team) for _ in range(3)]
    bound = factories.submission(special, site.strangers)
    assert lineup.place(bound).position == 1
    assert lineup.place(ordinary[2]).position == 3
    assert claim("special") == bound
    assert claim("special") is None
    assert claim("plain") == ordinary[0]


def test_limits_that_can_not_be_read_are_told(site: Site) -> None:
    hosts.register("host", factories.offer())
    stuck = factories.submission(site.phase, site.team)
    Phase.objects.filter(pk=site.phase.pk).update(limits_data={"memory_bytes": "much"})
    assert claim("host") is None
    stuck.phase.refresh_from_db()
    assert "no way to read the limits of its phase" in lineup.place(stuck).why


# Quarantine


def test_a_host_is_quarantined_only_after_faults_with_two_teams(site: Site, settings) -> None:
    settings.PARAKH_OPERATORS = ["ops@example.org"]
    hosts.register("sick", factories.offer())
    for _ in range(4):
        fault("sick", site.team, site.phase)
        assert Host.objects.get().quarantined_at is None, "one team may be the cause itself"
    fault("sick", site.strangers, site.phase, Code.ENGINE_FAULT)
    sick = Host.objects.get()
    assert sick.quarantined_at is not None
    assert "DISK_FAULT, ENGINE_FAULT" in sick.quarantined_why


def test_a_quarantined_host_claims_nothing_until_it_is_released(site: Site) -> None:
    hosts.register("sick", factories.offer())
    fault("sick", site.team, site.phase)
    fault("sick", site.strangers, site.phase)
    made = factories.submission(site.phase, site.team)
    assert claim("sick") is None
    assert "no evaluation host at all" in lineup.place(made).why
    hosts.register("sick", factories.offer())
    assert claim("sick") is None, "a restart does not heal it"
    assert hosts.release(Host.objects.get())
    assert claim("sick") == made
    submissions.platform_fault(submissions.newest_attempt(made), Code.DISK_FAULT, "")
    assert Host.objects.get().quarantined_at is None, "what was before the release no longer counts"


def test_a_good_run_in_between_shows_that_the_host_is_well(site: Site) -> None:
    hosts.register("host", factories.offer())
    fault("host", site.team, site.phase)
    factories.submission(site.phase, site.strangers)
    submissions.publish(submissions.claim("w", 60, "host"), factories.report())
    fault("host", site.strangers, site.phase)
    assert Host.objects.get().quarantined_at is None


@pytest.mark.parametrize("code", [Code.SCORER_FAULT, Code.WORKER_LOST, Code.NOISE])
def test_what_is_not_the_hosts_doing_does_not_count(site: Site, code: Code) -> None:
    hosts.register("host", factories.offer())
    for team in (site.team, site.strangers):
        fault("host", team, site.phase, code)
    assert Host.objects.get().quarantined_at is None


# Held submissions


def lose_worker(site: Site) -> None:
    attempt = submissions.claim("w", -1)
    assert submissions.platform_fault(attempt, Code.WORKER_LOST, "no sign of life", only_if_expired=True)


@pytest.fixture
def held(site: Site, settings) -> Submission:
    """A submission with which two workers died."""
    settings.PARAKH_OPERATORS = ["ops@example.org"]
    hosts.register("host", factories.offer())
    made = factories.submission(site.phase, site.team, title="Killer")
    lose_worker(site)
    made.refresh_from_db()
    assert (made.state, made.held_at) == (State.QUEUED, None), "once may be chance"
    lose_worker(site)
    made.refresh_from_db()
    return made


def test_a_submission_that_killed_two_workers_is_held_and_holds_up_nobody(
    site: Site, held: Submission, client: Client
) -> None:
    assert held.held_at is not None
    behind = factories.submission(site.phase, site.strangers)
    assert lineup.place(behind).position == 1
    assert claim("host") == behind
    assert claim("host") is None
    client.force_login(site.alice)
    assert "waits until an operator has looked at it" in client.get(f"/submissions/{held.pk}/").content.decode()
    shown = client.get(f"/api/v1/submissions/{held.pk}/").json()
    assert (shown["state"], shown["queue_position"]) == ("queued", None)
    assert "operator" in shown["waits_for"]


@pytest.mark.django_db(transaction=True)
def test_the_operators_are_told_of_a_held_one(held: Submission) -> None:
    assert [message.subject for message in mail.outbox] == [
        "[Parakh] A submission waits for you: it may be killing workers"
    ]


def test_staff_release_or_fail_it_with_a_reason(site: Site, held: Submission, client: Client) -> None:
    site.stella.is_superuser = True
    site.stella.save()
    client.force_login(site.stella)

    def act(action: str, reason: str) -> Submission:
        form = {"action": action, "reason": reason, "_selected_action": [str(held.pk)]}
        assert client.post("/admin/challenge/submission/", form).status_code == 302
        held.refresh_from_db()
        return held

    assert act("release_held", "").held_at is not None, "not without a reason"
    assert act("release_held", "it was a power cut").held_at is None
    assert claim("host") == held
    assert held.transitions.filter(actor="stella", reason="released: it was a power cut").exists()
    attempt = submissions.newest_attempt(held)
    submissions.hand_back(attempt)
    Submission.objects.filter(pk=held.pk).update(held_at=timezone.now())
    assert act("fail_held", "it opens a hole").state == State.FAILED
    client.force_login(site.alice)
    assert "The operators ended it: it opens a hole" in client.get(f"/submissions/{held.pk}/").content.decode()


def test_a_participant_can_not_release_it(site: Site, held: Submission, client: Client) -> None:
    for person in (site.alice, site.stella):  # Stella is staff without the right to change submissions.
        client.force_login(person)
        form = {"action": "release_held", "reason": "please", "_selected_action": [str(held.pk)]}
        client.post("/admin/challenge/submission/", form)
        held.refresh_from_db()
        assert held.held_at is not None


def test_its_team_may_cancel_a_held_one(site: Site, held: Submission) -> None:
    submissions.cancel(held, by=site.alice)
    assert (held.state, held.held_at, held.charged) == (State.CANCELLED, None, False)


def test_after_its_release_a_third_lost_worker_is_the_end(site: Site, held: Submission) -> None:
    assert holds.release(held, site.stella, "again")
    assert not holds.release(held, site.stella, "again")
    lose_worker(site)
    held.refresh_from_db()
    assert (held.state, held.charged) == (State.FAILED, False)
    assert Attempt.objects.filter(submission=held, verdict="WORKER_LOST").count() == 3
