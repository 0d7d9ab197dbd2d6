"""Fills an empty site with what a real one looks like: three challenges, a board, submissions in every state.

    PARAKH_VAR=/tmp/scene python -m tests.browser.scene      # after `manage.py migrate`

Prints one JSON object: names of pages to addresses. Everybody's password is `password`. Nothing is evaluated: reports
are made up, the states are moved by the services that move them in earnest.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys

import django
import numpy as np

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "challenge.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402 (Django must be set up first)
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from challenge import guards, hosts, ranking, submissions  # noqa: E402
from challenge.models import AttemptState, Challenge, Phase, Submission, Team  # noqa: E402
from evaluator.metrics import Confusion, Scores, scores  # noqa: E402
from evaluator.report import Measurements, Report  # noqa: E402
from sandbox import BadOutput, Observation, Sample, verdict  # noqa: E402
from sandbox.curve import Curve  # noqa: E402
from tests import factories  # noqa: E402
from tests.browser import scene_open, scene_people, scene_public  # noqa: E402

IMAGES = 204
PIXELS = np.array([2_150_000, 190_000, 160_000, 790_000, 1_350_000, 1_180_000, 780_000, 90_000])
RECALL = np.array([0.97, 0.55, 0.48, 0.86, 0.72, 0.88, 0.96, 0.0])
NEIGHBOUR = {0: 1, 1: 0, 2: 3, 3: 4, 4: 5, 5: 4, 6: 5, 7: 4}

DESCRIPTION = """
Cars, rickshaws, people, animals, and a road whose edge is a matter of opinion: **IDD-lite** holds street scenes from
Indian cities, small enough (320 × 227) to be segmented on very small machines. That is the task here: the best mIoU
that fits into *one gibibyte and one core*.

### What counts

1. mIoU over seven classes on the validation split.
2. Of equal scores, the earlier one is first.

### Rules

- Any architecture, any framework. Pretrained weights are fine; say so in the title.
- No image of the validation split may be used in training.
- Questions go to the [organizers](mailto:organizers@example.org).
"""

DATA_NOTES = """
The images are part of the India Driving Dataset, whose terms ask for registration and for non-commercial use. The
platform holds its own copy and never hands it out: get yours from the data set's owners.
"""

BOARD: tuple[tuple[str, str, float, float, float, int, bool], ...] = (
    # team, title, skill, median latency s, CPU s, peak memory MiB, baseline
    ("Sadak Sena", "ERFNet, distilled, int8", 0.93, 0.0312, 8.1, 212, False),
    ("Pixel Chai", "DRN-D-22 at half width", 0.97, 0.1270, 29.4, 402, False),
    ("erfnet_compressed", "ERFNet, compressed encoder", 0.80, 0.0285, 7.2, 236, True),
    ("dws_g8", "Depthwise separable, 8 groups", 0.62, 0.0141, 4.0, 189, True),
    ("Gravel", "UNet, MPHyp-pruned to 0.4 M parameters, trained at three scales", 0.89, 0.0534, 12.8, 301, False),
    ("Third Lane", "Mobile encoder + two skips", 0.74, 0.0198, 5.3, 177, False),
    ("Monsoon Vision Lab", "searched cell, 7 layers", 0.85, 0.0410, 10.3, 268, False),
    ("zebra", "first try", 0.31, 0.0062, 2.2, 96, False),
    ("U-Turn", "UNet, small", 0.70, 0.0890, 20.9, 512, False),
    ("speed breaker", "linear on patches", 0.44, 0.0078, 2.6, 101, False),
)


def confusion(skill: float, seed: int) -> Confusion:
    """int64[8, 8] of a model with this skill (0 to 1.1): errors go mostly to the class next door."""
    rng = np.random.default_rng(seed)
    matrix = np.zeros((8, 8))
    for truth, pixels in enumerate(PIXELS):
        right = np.clip(RECALL[truth] * (0.55 + 0.45 * skill) * rng.uniform(0.94, 1.05), 0, 0.99)
        shares = rng.dirichlet(np.full(7, 0.6)) * (1 - right) * 0.5
        matrix[truth, :7] = shares * pixels
        matrix[truth, truth] += right * pixels
        matrix[truth, NEIGHBOUR[truth]] += (1 - right) * 0.5 * pixels
    return matrix.round().astype(np.int64)


def curve(latencies: tuple[float, ...], cpu: float, memory: int) -> tuple[Sample, ...]:
    """What a run of these latencies uses over time: the model loads for 2.4 s, then one image after the other."""
    taken = Curve()
    at = 0.0
    for step in range(48):
        at = step / 20
        taken.add(Sample(at, 0.9 * at, int((30 + 0.6 * memory * (step / 47) ** 2) * 1024**2), 0))
    for done, latency in enumerate(latencies, 1):
        at += latency + 0.0006
        share = done / len(latencies)
        wobble = 1 - 0.2 * ((done * 37) % 11) / 11
        taken.add(Sample(at, 2.1 + (cpu - 2.1) * share, int(memory * wobble * 1024**2), done))
    return taken.points()


def by_image(whole: Confusion, skill: float) -> Confusion:
    """int64[N, 8, 8]: the same pixels spread over IMAGES images, of which some are harder than others for everybody."""
    everybody, own = np.random.default_rng(11), np.random.default_rng(round(1000 * skill))
    shares = everybody.dirichlet(np.full(IMAGES, 6.0), size=8)  # Of each class, by image.
    ease = np.exp(everybody.normal(0, 0.35, IMAGES) + own.normal(0, 0.15, IMAGES))
    found = np.zeros((IMAGES, 8, 8), dtype=np.int64)
    for truth in range(8):
        for answer in range(8):
            weights = shares[truth] * (ease if truth == answer else 1 / ease)
            found[:, truth, answer] = own.multinomial(whole[truth, answer], weights / weights.sum())
    return found


def report(
    submission: Submission, seen: Observation, found: Scores | None, latency: float, cpu: float, memory: int, log: str
) -> Report:
    """A report as the evaluator would write it."""
    rng = np.random.default_rng(7)
    latencies = tuple((latency * rng.lognormal(0, 0.12, seen.images_done)).round(6).tolist())
    return Report(
        verdict=verdict(seen),
        scores=found,
        measurements=Measurements(
            start_seconds=2.41,
            latency_median_seconds=latency if latencies else None,
            latency_p90_seconds=latency * 1.21 if latencies else None,
            latencies=latencies,
            total_seconds=seen.wall_seconds,
            answering_seconds=latency * seen.images_done,
            cpu_seconds=cpu,
            memory_peak_bytes=memory * 1024**2,
            throttled_seconds=0.4,
            curve=curve(latencies, cpu, memory),
            image_bytes=1_730_000,
        ),
        images_done=seen.images_done,
        images_total=IMAGES,
        seed=5,
        log=log,
        limits=submission.phase.limits,
        host={
            "name": "bench-1",
            "engine": "20.10.24",
            "kernel": "6.1.0",
            "system": "Debian GNU/Linux 12 (bookworm)",
            "architecture": "x86_64",
            "cores": 4,
            "memory_bytes": 8 * 1024**3,
            "runtime": "runc",
            "cores_used": "2",
        },
    )


def evaluate(submission: Submission, result: Report) -> None:
    """Moves a queued submission to its end."""
    attempt = submissions.claim("scene", 600)
    assert attempt is not None
    assert attempt.submission_id == submission.pk
    assert submissions.publish(attempt, result)


def score(phase: Phase, team: Team, title: str, skill: float, latency: float, cpu: float, memory: int) -> Submission:
    """A finished submission."""
    made = factories.submission(phase, team, title=title)
    found = scores(by_image(confusion(skill, seed=len(title)), skill))
    seen = Observation(
        limits=phase.limits, images_total=IMAGES, images_done=IMAGES, ready=True, exit_code=0,
        wall_seconds=2.4 + latency * IMAGES,
    )  # fmt: skip
    log = f"torch 2.4 on 1 thread\nloaded weights.pt ({memory // 40} MB)\nwarm-up: 3 images in {3 * latency:.2f} s\n"
    evaluate(made, report(made, seen, found, latency, cpu, memory, log))
    return made


def fail(phase: Phase, team: Team, title: str, log: str, images_done: int, **facts: object) -> Submission:
    """A submission that ended with a verdict."""
    made = factories.submission(phase, team, title=title)
    seen = Observation(
        limits=phase.limits, images_total=IMAGES, images_done=images_done, ready=True, wall_seconds=9.7, **facts
    )  # type: ignore[arg-type]
    evaluate(made, report(made, seen, None, 0.041, 8.8, 1011, log))
    return made


def backdate(submission: Submission, days: float) -> None:
    """As if it had been sent some days ago."""
    then = timezone.now() - dt.timedelta(days=days)
    Submission.objects.filter(pk=submission.pk).update(created=then)
    ranking.refresh(submission.phase, submission.team)
    guards.remove(connection)
    submission.attempts.filter(state="done").update(
        claimed_at=then + dt.timedelta(seconds=4), done_at=then + dt.timedelta(seconds=19)
    )
    guards.install(connection)


def people() -> dict[str, User]:
    """The cast of tests/conftest.py."""
    cast = {name: factories.UserFactory(username=name) for name in ("alice", "bob", "carol", "olga", "otto")}
    return cast | {"stella": factories.UserFactory(username="stella", is_staff=True)}


def challenges(olga: User) -> tuple[Phase, Phase]:
    """A running challenge of two phases, one that is coming, one that is past; and a host in service."""
    hosts.register("test-host", factories.offer())
    now = timezone.now()
    dataset = factories.DatasetFactory(name="idd-lite-val", images=IMAGES)
    running = factories.ChallengeFactory(
        slug="idd-lite",
        title="IDD-lite: constrained segmentation",
        summary="Street scenes from Indian cities, seven classes, on one core and one gibibyte.",
        description=DESCRIPTION,
        data_notes=DATA_NOTES,
    )
    running.organizers.add(olga)
    opened = now - dt.timedelta(days=12, hours=3)
    phase = factories.PhaseFactory(
        challenge=running, dataset=dataset, slug="val", title="Validation", position=1,
        opens=opened, closes=now + dt.timedelta(days=23, hours=7), quota_per_day=5,
    )  # fmt: skip
    hidden = factories.PhaseFactory(
        challenge=running, dataset=dataset, slug="final", title="Final, hidden data", position=2, hidden_data=True,
        public_share=30,
        opens=opened, closes=now + dt.timedelta(days=30), quota_per_day=2, quota_total=10, quota_at_once=2,
    )  # fmt: skip
    coming = factories.ChallengeFactory(
        slug="night", title="Night rides", summary="The same seven classes after dark, at ten frames a second."
    )
    factories.PhaseFactory(
        challenge=coming, dataset=dataset, slug="open", title="Open round",
        opens=now + dt.timedelta(days=9), closes=now + dt.timedelta(days=60),
    )  # fmt: skip
    past = factories.ChallengeFactory(
        slug="ncvpripg-2019", title="Small networks, 2019 rules", summary="A re-run of the first constrained track."
    )
    factories.PhaseFactory(
        challenge=past, dataset=dataset, slug="only", title="The only phase",
        opens=now - dt.timedelta(days=90), closes=now - dt.timedelta(days=31),
    )  # fmt: skip
    return phase, hidden


def submissions_of_alice(phase: Phase, hidden: Phase, team: Team) -> dict[str, Submission]:
    """One in every state, oldest first."""
    made = {"finished": score(phase, team, "ERFNet with a thin decoder", 0.86, 0.0357, 9.1, 248)}
    traceback = (
        "loading weights.pt\r\nepoch \x1b[32m12\x1b[0m of 12\n"
        'Traceback (most recent call last):\n  File "/submission/predict.py", line 31, in predict\n'
        "    features = self.encoder(torch.stack(scales))\nRuntimeError: [enforce fail at alloc_cpu.cpp:117]\n"
    )
    made["memory"] = fail(
        phase, team, "Five scales, averaged", traceback, 16, oom_kills=1, stopped_by_us=True,
        memory_peak_bytes=1011 * 1024**2,
    )  # fmt: skip
    made["bad_output"] = fail(
        phase, team, "ERFNet, argmax in float", "", 0, bad_output=BadOutput(1, "mode RGB, wanted L"), stopped_by_us=True
    )
    made["hidden"] = score(hidden, team, "ERFNet with a thin decoder", 0.84, 0.0361, 9.2, 247)
    made["cancelled"] = factories.submission(phase, team, title="Wrong weights")
    submissions.cancel(made["cancelled"], by=made["cancelled"].creator)
    for days, name in ((6, "finished"), (4, "memory"), (3.5, "bad_output"), (2, "hidden"), (1, "cancelled")):
        backdate(made[name], days)
    made["running"] = factories.submission(phase, team, title="Thin decoder, quantised")
    attempt = submissions.claim("worker-1", 36_000)
    assert attempt is not None
    submissions.advance(attempt, AttemptState.RUNNING, 61, IMAGES)
    made["queued"] = factories.submission(phase, team, title="Thin decoder, no skip")
    return made


def main() -> None:
    """Builds the scene and prints the addresses."""
    cast = people()
    phase, hidden = challenges(cast["olga"])
    challenge: Challenge = phase.challenge
    asphalt = factories.team(challenge, cast["alice"], cast["bob"], name="Asphalt")
    for place, (name, title, skill, latency, cpu, memory, is_baseline) in enumerate(BOARD):
        person = cast["carol"] if name == "Gravel" else None
        team = factories.team(challenge, *([person] if person else []), name=name)
        Team.objects.filter(pk=team.pk).update(is_baseline=is_baseline)
        backdate(score(phase, team, title, skill, latency, cpu, memory), 11 - place * 0.8)
    public = scene_public.furnish(phase, cast, score, backdate)
    opened = scene_open.furnish(phase, asphalt, Team.objects.get(name="Gravel"))
    made = submissions_of_alice(phase, hidden, asphalt)
    factories.submission(phase, Team.objects.get(name="Gravel"), title="UNet again")
    addresses = {name: f"/submissions/{submission.pk}/" for name, submission in made.items()}
    asked = scene_people.furnish(challenge, cast)
    json.dump(addresses | public | opened | asked, sys.stdout)


if __name__ == "__main__":
    main()
