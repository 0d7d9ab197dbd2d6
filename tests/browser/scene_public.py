"""What scene.py's challenge has for visitors: pages, a picture, news, who was disqualified, a board that is final."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable

import numpy as np
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import Image

from challenge import ranking
from challenge.models import Announcement, BoardRow, Challenge, Page, Phase, Picture, Submission, Team
from evaluator import scenes
from tests import factories

RULES = r"""
## The score

The mean over seven classes of what was called right, of all that was of the class or was called so:

$$\mathrm{mIoU} = \frac{1}{7} \sum_{c=0}^{6} \frac{TP_c}{TP_c + FP_c + FN_c}$$

where $TP_c$, $FP_c$ and $FN_c$ count pixels of all images together.

![A road with a rickshaw, and its seven classes](road)

## Prizes

| Place | Prize |
|---|---|
| 1 | A Raspberry Pi, and the stage for ten minutes |
| 2 and 3 | A Raspberry Pi |
"""

PALETTE = np.array(
    [(224, 160, 47), (201, 116, 74), (226, 102, 127), (111, 177, 214), (121, 181, 138), (181, 154, 214),
     (217, 210, 189), (36, 43, 49)], np.uint8,
)  # fmt: skip
"""Colours of the classes, as figures.css has them."""

PARAMETERS = {"Sadak Sena": 410_000, "Pixel Chai": 4_020_000, "Gravel": 402_000, "zebra": 21_000, "Third Lane": 98_000,
              "erfnet_compressed": 478_131, "dws_g8": 61_720}  # fmt: skip


Score = Callable[..., Submission]
Backdate = Callable[[Submission, float], None]


def furnish(phase: Phase, cast: dict[str, User], score: Score, backdate: Backdate) -> dict[str, str]:
    """Adds it all, and returns addresses by name. `score` and `backdate` are scene.py's."""
    challenge = phase.challenge
    _texts(challenge, cast["olga"])
    _strangers(phase, score, backdate)
    for name, count in PARAMETERS.items():
        Submission.objects.filter(phase=phase, team__name=name).update(parameters=count)
        ranking.refresh(phase, Team.objects.get(challenge=challenge, name=name))
    gravel = Submission.objects.get(phase=phase, team__name="Gravel", score__isnull=False)
    gravel.method = "A UNet from which MPHyp has taken nine tenths of the channels, then trained on at three scales."
    gravel.link, gravel.gmac = "https://example.org/gravel/unet", 1.42
    gravel.save(update_fields=["method", "link", "gmac"])
    _draft(cast["olga"])
    _past(cast, score, backdate)
    return {"report": f"/reports/{gravel.pk}/"}


def _texts(challenge: Challenge, by: User) -> None:
    challenge.licence, challenge.licence_url = "IDD: research only", "https://idd.insaan.iiit.ac.in/"
    challenge.time_zone = "Asia/Kolkata"
    challenge.save()
    Page.objects.create(challenge=challenge, slug="rules", title="Rules and prizes", body=RULES, position=1)
    Page.objects.create(challenge=challenge, slug="questions", title="Questions", body="None yet.", position=2)
    now = timezone.now()
    Announcement.objects.create(
        challenge=challenge, by=by, title="Office hours on Friday", at=now - dt.timedelta(days=2),
        body="Bring your containers, **and** your questions: 16:00 in the usual room.",
    )  # fmt: skip
    Announcement.objects.create(
        challenge=challenge, by=by, title="The limits are a little lower", at=now - dt.timedelta(days=9),
        body="One core now, since that is what the board has. What ran before is marked on the board.",
    )  # fmt: skip
    road, labels = scenes.draw_scene(np.random.default_rng(4))
    both = np.hstack([road, PALETTE[np.minimum(labels, 7)]])
    drawn = io.BytesIO()
    Image.fromarray(both).save(drawn, "PNG")
    Picture.objects.create(
        challenge=challenge, name="road", file=ContentFile(drawn.getvalue(), "road"),
        width=both.shape[1], height=both.shape[0], bytes=len(drawn.getvalue()),
    )  # fmt: skip


def _strangers(phase: Phase, score: Score, backdate: Backdate) -> None:
    """One that ran under other limits, one that is disqualified."""
    today = phase.limits_data
    phase.limits_data = today | {"memory_bytes": 2 * today["memory_bytes"]}
    phase.save()
    old = factories.team(phase.challenge, name="Old Kiln")
    backdate(score(phase, old, "Before the rules changed", 0.81, 0.066, 14.2, 610), 11.8)
    phase.limits_data = today
    phase.save()
    out = factories.team(phase.challenge, name="Shortcut")
    backdate(score(phase, out, "Very good indeed", 1.05, 0.02, 6.0, 200), 3)
    Team.objects.filter(pk=out.pk).update(
        disqualified_at=timezone.now() - dt.timedelta(days=1), disqualified_why="Trained on the validation images."
    )
    out.refresh_from_db()
    ranking.refresh(phase, out)


def _draft(olga: User) -> None:
    draft = factories.ChallengeFactory(
        slug="monsoon", title="Monsoon", summary="Wet roads, seven classes.", stage="review", created_by=olga
    )
    draft.organizers.add(olga)


def _past(cast: dict[str, User], score: Score, backdate: Backdate) -> None:
    """A closed phase: its final standing is public."""
    phase = Phase.objects.get(challenge__slug="ncvpripg-2019")
    closes, phase.closes = phase.closes, timezone.now() + dt.timedelta(days=1)
    phase.save()
    for name, skill, person in (("Deccan", 0.7, None), ("Kaveri", 0.6, None), ("Asphalt", 0.75, cast["alice"])):
        team = factories.team(phase.challenge, *([person] if person else []), name=name)
        for number in range(3):
            title = f"round {number + 1}"
            sent = score(phase, team, title, skill + number * 0.05, 0.05, 9.0, 300)
            backdate(sent, 60 - 9 * number)
    phase.closes = closes
    phase.save()
    assert BoardRow.objects.filter(phase=phase, standing="final").count() == 3
