"""What Prometheus reads: computed from the database when it asks, so that any web process gives the same answer.

Everything is bounded: labels are phases, verdicts, hosts and states; times are those of the last hour's attempts.
"""

from __future__ import annotations

import datetime as dt
import itertools
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from statistics import quantiles

from django.conf import settings
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from challenge import lineup
from challenge.models import Attempt, AttemptState, Host, Phase, State, Submission, Transition

WINDOW = dt.timedelta(hours=1)
MOST_ATTEMPTS = 500
"""Times are those of the attempts that ended within the window, the newest so many of them."""

QUANTILES = {"0.5": 9, "0.9": 17, "0.95": 18}
"""Label to place among the 19 cuts of twenty parts."""


def page() -> bytes:
    """The text that Prometheus scrapes."""
    registry = CollectorRegistry()
    registry.register(_Parakh())
    return generate_latest(registry)


class _Parakh(Collector):
    """All metrics of the platform."""

    def collect(self) -> Iterable[Metric]:
        """Asks the database."""
        yield from _queue()
        yield from _totals()
        yield _stage_times()
        yield from _hosts()
        yield from _storage()

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: it would ask the database once more."""
        return []


def _queue() -> Iterator[Metric]:
    depth = GaugeMetricFamily("parakh_queue_submissions", "Submissions that wait.", labels=["phase"])
    oldest = GaugeMetricFamily("parakh_queue_oldest_seconds", "Since the first of them was queued.", labels=["phase"])
    waiting = lineup.waiting().order_by().values("phase").annotate(count=Count("pk"), first=Min("queued_at"))
    found = {row["phase"]: row for row in waiting}
    now = timezone.now()
    for phase in Phase.objects.select_related("challenge"):
        name = f"{phase.challenge.slug}/{phase.slug}"
        row = found.get(phase.pk)
        depth.add_metric([name], row["count"] if row else 0)
        oldest.add_metric([name], max(0.0, (now - row["first"]).total_seconds()) if row and row["first"] else 0)
    held = Submission.objects.filter(held_at__isnull=False).count()
    yield depth
    yield oldest
    yield GaugeMetricFamily("parakh_queue_held", "Submissions held for the operators.", value=held)


def _totals() -> Iterator[Metric]:
    states = GaugeMetricFamily("parakh_submissions", "Submissions by state.", labels=["state"])
    counts = dict(Submission.objects.order_by().values_list("state").annotate(Count("pk")))
    for state in State:
        states.add_metric([state.value], counts.get(state.value, 0))
    yield states
    runs = CounterMetricFamily("parakh_attempts", "Attempts that ended, by verdict.", labels=["verdict"])
    ended = Attempt.objects.filter(state=AttemptState.DONE).order_by()
    for verdict, count in ended.values_list("verdict").annotate(Count("pk")):
        runs.add_metric([verdict], count)
    yield runs


def _stage_times() -> Metric:
    family = GaugeMetricFamily(
        "parakh_stage_seconds",
        "How long the stages of attempts took that ended within the last hour (at most the newest 500).",
        labels=["stage", "quantile"],
    )
    for stage, seconds in sorted(stage_seconds().items()):
        cuts = quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else seconds * 19
        for label, place in QUANTILES.items():
            family.add_metric([stage, label], cuts[place])
    return family


def stage_seconds() -> dict[str, list[float]]:
    """By stage (waiting, claimed, admitting, running, scoring): seconds of each attempt of the window."""
    since = timezone.now() - WINDOW
    ended = Attempt.objects.filter(state=AttemptState.DONE, done_at__gte=since).order_by("-done_at")[:MOST_ATTEMPTS]
    attempts = list(ended.prefetch_related("transitions").defer("log", "measurements", "host", "limits_data"))
    queued = _times_queued(attempts)
    found: dict[str, list[float]] = defaultdict(list)
    for attempt in attempts:
        before = [at for at in queued[attempt.submission_id] if at <= attempt.claimed_at]
        if before:
            found["waiting"].append((attempt.claimed_at - before[-1]).total_seconds())
        steps = list(attempt.transitions.all())
        for step, following in itertools.pairwise(steps):
            found[step.after].append(max(0.0, (following.at - step.at).total_seconds()))
    return found


def _times_queued(attempts: list[Attempt]) -> dict[object, list[dt.datetime]]:
    """By submission: when it was put into the queue, oldest first."""
    moves = Transition.objects.filter(submission__in={one.submission_id for one in attempts}, after=State.QUEUED)
    times: dict[object, list[dt.datetime]] = defaultdict(list)
    for submission, at in moves.order_by("id").values_list("submission", "at"):
        times[submission].append(at)
    return times


def _hosts() -> Iterator[Metric]:
    seen = GaugeMetricFamily("parakh_host_seen_seconds", "Since a host's last sign of life.", labels=["host"])
    running = GaugeMetricFamily("parakh_host_running", "Evaluations under way there.", labels=["host"])
    quarantined = GaugeMetricFamily("parakh_host_quarantined", "1: out of service.", labels=["host"])
    live = Attempt.objects.exclude(state=AttemptState.DONE).exclude(ran_on=None).order_by()
    busy = dict(live.values_list("ran_on").annotate(Count("pk")))
    now = timezone.now()
    for host in Host.objects.all():
        seen.add_metric([host.name], max(0.0, (now - host.last_seen).total_seconds()))
        running.add_metric([host.name], busy.get(host.pk, 0))
        quarantined.add_metric([host.name], int(host.quarantined_at is not None))
    yield from (seen, running, quarantined)


def _storage() -> Iterator[Metric]:
    """Of the disk that uploads lie on; other storage has no bound that could be asked."""
    if "FileSystem" not in settings.STORAGES["default"]["BACKEND"]:
        return
    disk = shutil.disk_usage(settings.MEDIA_ROOT)
    yield GaugeMetricFamily("parakh_storage_free_bytes", "Free on the disk of the uploads.", value=disk.free)
    yield GaugeMetricFamily("parakh_storage_bytes", "Size of the disk of the uploads.", value=disk.total)
