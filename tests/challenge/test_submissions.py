"""The state machine: what moves a submission, and what changes nothing."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from challenge import leaderboard, lineup, states, submissions
from challenge.models import Attempt, AttemptState, BoardRow, Phase, Score, State, Submission
from sandbox import Code
from tests import factories
from tests.conftest import Site

MOVES = {
    ("uploading", "queued"),
    ("uploading", "cancelled"),
    ("queued", "evaluating"),
    ("queued", "cancelled"),
    ("queued", "finished"),
    ("queued", "failed"),
    ("evaluating", "queued"),
    ("evaluating", "finished"),
    ("evaluating", "failed"),
    ("evaluating", "cancelled"),
    ("finished", "queued"),
    ("failed", "queued"),
}


def state_of(submission: Submission) -> str:
    submission.refresh_from_db()
    return submission.state


def expire(attempt: Attempt) -> None:
    Submission.objects.filter(pk=attempt.submission_id).update(lease_until=timezone.now() - dt.timedelta(seconds=1))


@pytest.mark.parametrize(("before", "after"), list(itertools.product(State.values, State.values)))
def test_the_table_of_transitions(before: str, after: str) -> None:
    assert ((before, after) in MOVES) == (State(after) in states.ALLOWED[State(before)])


def test_from_upload_to_board(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    assert made.state == State.QUEUED
    assert made.file_bytes == len(made.file.read())
    assert len(made.file_sha256) == 64

    attempt = submissions.claim("w1", 60)
    assert attempt is not None
    assert state_of(made) == State.EVALUATING
    assert (made.fence, made.attempt_count, attempt.number) == (1, 1, 1)
    assert attempt.limits == site.phase.limits

    assert submissions.advance(attempt, AttemptState.RUNNING, 2, 4)
    assert submissions.publish(attempt, factories.report(miou=0.25))

    assert state_of(made) == State.FINISHED
    assert made.lease_until is None
    assert made.score.miou == 0.25
    attempt.refresh_from_db()
    assert (attempt.state, attempt.verdict, attempt.images_done) == (AttemptState.DONE, "OK", 4)
    assert attempt.done_at > attempt.claimed_at
    assert [row.miou for row in leaderboard.page(site.phase)] == [0.25]
    history = [(move.before, move.after, move.actor) for move in made.transitions.all()]
    assert history == [
        ("uploading", "queued", "alice"),
        ("queued", "evaluating", "worker w1"),
        ("evaluating", "finished", "worker w1"),
    ]


def test_a_verdict_on_the_submission_is_final_and_not_retried(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    assert submissions.publish(submissions.claim("w1", 60), factories.report(Code.MEMORY_LIMIT))
    assert state_of(made) == State.FAILED
    assert made.charged
    assert submissions.claim("w1", 60) is None
    assert not Score.objects.exists()
    assert not BoardRow.objects.exists()


def test_publishing_twice_gives_one_score(site: Site) -> None:
    factories.submission(site.phase, site.team)
    attempt = submissions.claim("w1", 60)
    assert submissions.publish(attempt, factories.report(miou=0.4))
    assert not submissions.publish(attempt, factories.report(miou=0.9))
    assert [score.miou for score in Score.objects.all()] == [0.4]
    with pytest.raises(IntegrityError), transaction.atomic():
        Score.objects.create(attempt=attempt, miou=0.9, pixel_accuracy=1, mean_pixel_accuracy=1, iou={}, confusion=[])


def test_a_lost_lease_goes_to_another_worker_and_the_first_changes_nothing(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    first = submissions.claim("w1", 60)
    assert submissions.claim("w2", 60) is None
    expire(first)
    assert submissions.platform_fault(first, Code.WORKER_LOST, "gone", only_if_expired=True)
    assert state_of(made) == State.QUEUED
    second = submissions.claim("w2", 60)
    assert second.number == 2
    assert second.fence > first.fence

    assert not submissions.renew(first, 60)
    assert not submissions.advance(first, AttemptState.SCORING, 4, 4)
    assert not submissions.publish(first, factories.report(miou=0.9))
    assert not submissions.platform_fault(first, Code.ENGINE_FAULT, "")
    assert not submissions.is_cancel_requested(first)

    assert submissions.publish(second, factories.report(miou=0.3))
    assert state_of(made) == State.FINISHED
    assert made.score.miou == 0.3
    assert [attempt.verdict for attempt in made.attempts.all()] == ["WORKER_LOST", "OK"]


def test_a_renewed_lease_is_not_reaped(site: Site) -> None:
    factories.submission(site.phase, site.team)
    attempt = submissions.claim("w1", 60)
    expire(attempt)
    assert submissions.renew(attempt, 60)
    assert not submissions.platform_fault(attempt, Code.WORKER_LOST, "gone", only_if_expired=True)


def test_a_lease_never_reaches_past_the_deadline(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    attempt = submissions.claim("w1", 60)
    assert submissions.renew(attempt, 10**6)
    made.refresh_from_db()
    assert made.lease_until == submissions.deadline(attempt)
    attempt.claimed_at -= dt.timedelta(days=1)
    assert not submissions.renew(attempt, 60)


def test_three_platform_faults_fail_it_with_a_platform_verdict_and_give_the_quota_back(site: Site, caplog) -> None:
    made = factories.submission(site.phase, site.team)
    for number in (1, 2, 3):
        assert state_of(made) == State.QUEUED
        Submission.objects.update(not_before=None)
        attempt = submissions.claim("w1", 60)
        assert submissions.platform_fault(attempt, Code.ENGINE_FAULT, f"try {number}")
    assert state_of(made) == State.FAILED
    assert not made.charged
    last = submissions.newest_attempt(made)
    assert last.verdict == "ENGINE_FAULT"
    assert "run again" not in last.advice
    assert [record.levelname for record in caplog.records][-1] == "ERROR"


def test_after_an_engine_fault_it_waits_a_little(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    submissions.platform_fault(submissions.claim("w1", 60), Code.ENGINE_FAULT, "")
    assert submissions.claim("w1", 60) is None
    Submission.objects.filter(pk=made.pk).update(not_before=timezone.now() - dt.timedelta(seconds=1))
    assert submissions.claim("w1", 60) is not None


def test_cancel_while_it_waits_is_at_once_and_costs_nothing(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    submissions.cancel(made, by=site.bob)
    assert made.state == State.CANCELLED
    assert not made.charged
    assert submissions.claim("w1", 60) is None
    with pytest.raises(submissions.Refused, match="cancelled already"):
        submissions.cancel(made, by=site.bob)


def test_cancel_while_it_runs_is_the_workers_to_carry_out(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    attempt = submissions.claim("w1", 60)
    assert not submissions.is_cancel_requested(attempt)
    submissions.cancel(made, by=site.alice)
    assert state_of(made) == State.EVALUATING
    assert submissions.is_cancel_requested(attempt)
    assert submissions.publish(attempt, factories.report(Code.CANCELLED))
    assert state_of(made) == State.CANCELLED
    assert made.charged


def test_cancel_is_honoured_when_the_worker_is_lost(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    attempt = submissions.claim("w1", 60)
    submissions.cancel(made, by=site.alice)
    expire(attempt)
    assert submissions.platform_fault(attempt, Code.WORKER_LOST, "", only_if_expired=True)
    assert state_of(made) == State.CANCELLED


def test_a_run_that_was_stopped_though_nobody_cancelled_is_our_fault(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    assert submissions.publish(submissions.claim("w1", 60), factories.report(Code.CANCELLED))
    assert state_of(made) == State.QUEUED
    assert submissions.newest_attempt(made).verdict == "WORKER_LOST"


def test_a_rerun_keeps_the_old_score_until_the_new_one_counts(site: Site) -> None:
    made = factories.finished(site.phase, site.team, miou=0.6)
    submissions.rerun(made, by=site.olga)
    assert made.state == State.QUEUED
    assert leaderboard.page(site.phase).rows[0].miou == 0.6
    with pytest.raises(submissions.Refused, match="run again"):
        submissions.cancel(made, by=site.alice)
    attempt = submissions.claim("w1", 60)
    assert leaderboard.page(site.phase).rows[0].miou == 0.6
    submissions.publish(attempt, factories.report(miou=0.4))
    assert leaderboard.page(site.phase).rows[0].miou == 0.4
    assert Score.objects.count() == 2


def test_a_rerun_that_the_platform_can_not_complete_leaves_the_score(site: Site) -> None:
    made = factories.finished(site.phase, site.team, miou=0.6)
    submissions.rerun(made, by=site.olga)
    for _ in range(3):
        submissions.platform_fault(submissions.claim("w1", 60), Code.WORKER_LOST, "")
    assert state_of(made) == State.FINISHED
    assert leaderboard.page(site.phase).rows[0].miou == 0.6


def test_a_rerun_that_fails_takes_the_row_away(site: Site) -> None:
    worse = factories.finished(site.phase, site.team, miou=0.2)
    better = factories.finished(site.phase, site.team, miou=0.6)
    submissions.rerun(better, by=site.olga)
    submissions.publish(submissions.claim("w1", 60), factories.report(Code.TIME_LIMIT))
    row = BoardRow.objects.get(standing="best")
    assert (row.miou, row.submission_id) == (0.2, worse.pk)


def test_only_finished_and_failed_ones_run_again(site: Site) -> None:
    with pytest.raises(submissions.Refused, match="only a finished or failed one"):
        submissions.rerun(factories.submission(site.phase, site.team), by=site.olga)


def test_hidden_data_keeps_no_latency_of_single_images(site: Site) -> None:
    site.phase.hidden_data = True
    site.phase.save()
    made = factories.finished(site.phase, site.team)
    measurements = submissions.newest_attempt(made).measurements
    assert measurements["latencies"] == []
    assert measurements["latency_median_seconds"] == 0.01


def test_a_log_with_nul_and_surrogates_is_stored(site: Site) -> None:
    made = factories.submission(site.phase, site.team)
    submissions.publish(submissions.claim("w1", 60), factories.report(Code.RUNTIME_ERROR, log="a\x00b\udcff"))
    assert submissions.newest_attempt(made).log == "a␀b?"


# The queue


def test_teams_alternate_however_many_each_sends(site: Site) -> None:
    greedy = [factories.submission(site.phase, site.team) for _ in range(4)]
    modest = [factories.submission(site.phase, site.strangers) for _ in range(2)]
    expected = [greedy[0], modest[0], greedy[1], modest[1], greedy[2], greedy[3]]
    assert [lineup.place(one).position for one in expected] == [1, 2, 3, 4, 5, 6]
    claimed = [submissions.claim("w1", 60).submission for _ in expected]
    assert claimed == expected
    assert lineup.place(claimed[0]).position is None


def test_a_team_with_a_run_under_way_lets_another_go_first(site: Site) -> None:
    factories.submission(site.phase, site.team)
    submissions.claim("w1", 60)
    second = factories.submission(site.phase, site.team)
    other = factories.submission(site.phase, site.strangers)
    assert [submissions.claim("w2", 60).submission for _ in "ab"] == [other, second]


def test_after_a_platform_fault_it_is_the_first_again(site: Site) -> None:
    unlucky = factories.submission(site.phase, site.team)
    attempt = submissions.claim("w1", 60)
    factories.submission(site.phase, site.strangers)
    submissions.platform_fault(attempt, Code.WORKER_LOST, "")
    unlucky.refresh_from_db()
    assert lineup.place(unlucky).position == 1


def test_limits_that_can_not_be_read_hold_up_nobody_else(site: Site) -> None:
    broken = factories.PhaseFactory(challenge=site.challenge)
    stuck = factories.submission(broken, site.strangers)
    fine = factories.submission(site.phase, site.team)
    Phase.objects.filter(pk=broken.pk).update(limits_data={"memory_bytes": "much"})
    assert submissions.claim("w1", 60).submission == fine
    assert submissions.claim("w1", 60) is None
    assert state_of(stuck) == State.QUEUED
    with pytest.raises(ValidationError, match="memory_bytes"):
        Phase.objects.get(pk=broken.pk).full_clean()


# Refusals


def test_refusals_have_reasons_and_keep_nothing(site: Site, django_user_model) -> None:
    def attempt(**given) -> None:
        factories.submission(site.phase, site.team, **given)

    tar = b"\0" * 257 + b"ustar" + b"\0" * 250
    cases = [
        ({"kind": "carrier pigeon"}, "takes no submissions of the kind"),
        ({"base": "windows"}, "no base image"),
        ({"user": site.carol}, "not in this team"),
        ({"upload": SimpleUploadedFile("empty.zip", b"")}, "empty"),
        ({"upload": SimpleUploadedFile("a.zip", tar)}, "not a zip"),
        ({"kind": "image", "upload": factories.code_zip()}, "not a tar"),
        ({"upload": SimpleUploadedFile("big.zip", b"PK\x03\x04" + b"x" * 2000)}, "at most 1,024"),
    ]
    site.phase.limits_data = site.phase.limits.replace(archive_packed_bytes=1024).as_dict()
    for given, reason in cases:
        with pytest.raises(submissions.Refused, match=reason):
            attempt(**given)
    site.phase.closes = timezone.now() - dt.timedelta(seconds=1)
    with pytest.raises(submissions.Refused, match="closed on"):
        attempt()
    site.phase.opens = site.phase.closes = timezone.now() + dt.timedelta(days=1)
    with pytest.raises(submissions.Refused, match="opens on"):
        attempt()
    site.phase.challenge.stage = "draft"
    with pytest.raises(submissions.Refused, match="not public"):
        attempt()
    assert not Submission.objects.exists()


def test_an_upload_that_announced_less_than_it_holds_leaves_nothing(site: Site, settings) -> None:
    site.phase.limits_data = site.phase.limits.replace(archive_packed_bytes=1024).as_dict()
    liar = SimpleUploadedFile("a.zip", b"PK\x03\x04" + b"x" * 5000)
    liar.size = 10
    before = list(settings.MEDIA_ROOT.rglob("*"))
    with pytest.raises(submissions.Refused, match=r"larger than the 1,024 bytes"):
        factories.submission(site.phase, site.team, upload=liar)
    assert not Submission.objects.exists()
    assert [*settings.MEDIA_ROOT.rglob("*"), *settings.FILE_UPLOAD_TEMP_DIR.iterdir()] == before


@pytest.mark.parametrize(
    ("quota", "reason"),
    [("quota_per_day", "of today"), ("quota_total", "all of its"), ("quota_at_once", "waiting or running")],
)
def test_quotas(site: Site, quota: str, reason: str) -> None:
    setattr(site.phase, quota, 2)
    for _ in range(2):
        factories.submission(site.phase, site.team)
    with pytest.raises(submissions.Refused, match=reason):
        factories.submission(site.phase, site.team)
    factories.submission(site.phase, site.strangers)


def test_yesterdays_submissions_count_in_total_only(site: Site) -> None:
    site.phase.quota_per_day = 1
    old = factories.finished(site.phase, site.team)
    Submission.objects.filter(pk=old.pk).update(created=timezone.now() - dt.timedelta(days=1))
    factories.submission(site.phase, site.team)


def test_baselines_skip_quota_and_dates(site: Site) -> None:
    site.team.is_baseline = True
    site.team.save()
    site.phase.quota_per_day = 1
    site.phase.closes = timezone.now()
    for _ in range(2):
        factories.submission(site.phase, site.team, user=site.olga)


def test_titles_and_file_names_become_one_printable_line(site: Site) -> None:
    made = factories.submission(site.phase, site.team, title="a\nb\x1b[31m\x00", file_name="x" * 500)
    assert made.title == "a b [31m"
    assert len(made.file_name) == 200
