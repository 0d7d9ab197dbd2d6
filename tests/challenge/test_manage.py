"""What an organizer does, from a draft to the reveal, through the pages: and that each act is in the audit trail."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from challenge.models import AuditEntry, Challenge, Phase, Stage, State, Submission
from challenge.organizing import drafts, reruns
from tests import factories
from tests.conftest import Site

AGAIN = {"act": "rerun", "reason": "New limits"}


def text_of(response: Any) -> str:
    return html.unescape(response.content.decode())


def posted(client: Client, view: str, *args: Any, **fields: Any) -> Any:
    """The answer, with the page it leads to."""
    return client.post(reverse(view, args=args), fields, follow=True)


def typed(client: Client, name: str, *args: Any) -> dict[str, Any]:
    """A page's form as it is shown, ready to be posted."""
    form = client.get(reverse(name, args=args)).context["form"]
    values = {}
    for field in form:
        value = field.field.prepare_value(field.value())
        if value is not None and value is not False:
            values[field.html_name] = value
    return values


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 48)) -> SimpleUploadedFile:
    packed = io.BytesIO()
    Image.new("RGB", size, "navy").save(packed, kind)
    return SimpleUploadedFile("road.png", packed.getvalue() + b"<script>alert(1)</script>")


def test_from_a_draft_to_a_live_challenge(client: Client, site: Site) -> None:
    client.force_login(site.carol)
    page = posted(client, "challenge_new", title="Night rides", slug="night-rides", summary="After dark.")
    assert "This is a draft" in text_of(page)
    made = Challenge.objects.get(slug="night-rides")
    assert (made.stage, list(made.organizers.all())) == (Stage.DRAFT, [site.carol])
    assert Client().get(reverse("challenge", args=["night-rides"])).status_code == 404
    words = text_of(posted(client, "manage_stage", "night-rides", act="review"))
    assert "Not yet: A description" in words
    values = typed(client, "manage_texts", "night-rides")
    values |= {"description": "Segment **at night**.", "licence": "research only", "time_zone": "Asia/Kolkata"}
    assert "Saved." in text_of(posted(client, "manage_texts", "night-rides", **values))
    opens = timezone.now() + dt.timedelta(days=1)
    phase = typed(client, "phase_new", "night-rides") | {
        "title": "Final", "slug": "final", "dataset": site.dataset.pk, "kinds": ["code"],
        "opens": f"{opens:%Y-%m-%d}T09:30",
    }  # fmt: skip
    assert "Limits of each run" in text_of(posted(client, "phase_new", "night-rides", **phase))
    found = Phase.objects.get(challenge=made)
    assert found.opens.astimezone(dt.UTC).strftime("%H:%M") == "04:00", "in the challenge's time zone"
    assert "Staff have been told" in text_of(posted(client, "manage_stage", "night-rides", act="review"))
    drafts.send_back(made, site.stella, "Name the prize.")
    assert "Name the prize." in text_of(client.get(reverse("manage", args=["night-rides"])))
    posted(client, "manage_stage", "night-rides", act="review")
    drafts.approve(made, site.stella)
    assert Client().get(reverse("challenge", args=["night-rides"])).status_code == 200
    done = list(AuditEntry.objects.filter(challenge=made).order_by("id").values_list("actor", "act"))
    assert done[0] == ("carol", "stage")
    assert ("stella", "stage") in done
    assert ("carol", "phases") in done


def test_staff_answer_reviews_in_the_admin(client: Client, site: Site) -> None:
    Challenge.objects.filter(pk=site.challenge.pk).update(stage=Stage.REVIEW, summary="x", description="x", licence="x")
    site.stella.is_superuser = True
    site.stella.save()
    client.force_login(site.stella)
    form = {"action": "send_back", "_selected_action": [site.challenge.pk], "reason": "Which licence?"}
    client.post("/admin/challenge/challenge/", form)
    site.challenge.refresh_from_db()
    assert (site.challenge.stage, site.challenge.review_note) == (Stage.DRAFT, "Which licence?")


def test_no_more_than_a_few_drafts(client: Client, site: Site) -> None:
    client.force_login(site.carol)
    for number in range(drafts.MOST_DRAFTS):
        posted(client, "challenge_new", title=f"Draft {number}", slug=f"draft-{number}")
    assert "that is the limit" in text_of(posted(client, "challenge_new", title="One more", slug="one-more"))
    assert not Challenge.objects.filter(slug="one-more").exists()


def test_two_organizers_do_not_undo_each_others_texts(client: Client, site: Site) -> None:
    client.force_login(site.olga)
    mine = typed(client, "manage_texts", "idd-lite") | {"summary": "Mine."}
    posted(client, "manage_texts", "idd-lite", **typed(client, "manage_texts", "idd-lite") | {"summary": "Hers."})
    answer = client.post(reverse("manage_texts", args=["idd-lite"]), mine)
    assert answer.status_code == 400
    assert "This was changed by olga" in text_of(answer)
    assert "Saved now: “Hers.”" in text_of(answer)
    site.challenge.refresh_from_db()
    assert site.challenge.summary == "Hers."


def test_pages_and_pictures(client: Client, site: Site) -> None:
    client.force_login(site.olga)
    assert "Added." in text_of(posted(client, "manage_picture", "idd-lite", name="", file=picture()))
    body = "# Rules\n\n![a road](road)"
    posted(client, "manage_page_new", "idd-lite", title="Rules", slug="rules", body=body)
    address = reverse("picture", args=["idd-lite", "road"])
    assert f'src="{address}"' in Client().get(reverse("challenge_page", args=["idd-lite", "rules"])).content.decode()
    served = b"".join(Client().get(address))  # type: ignore[arg-type]
    assert served[:4] == b"RIFF"
    assert b"script" not in served
    svg = SimpleUploadedFile("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>")
    assert "This is no PNG, JPEG or WebP file" in text_of(posted(client, "manage_picture", "idd-lite", file=svg))
    posted(client, "manage_page_act", "idd-lite", "rules", act="delete")
    assert Client().get(reverse("challenge_page", args=["idd-lite", "rules"])).status_code == 404


def test_a_picture_with_too_many_pixels_is_refused(client: Client, site: Site) -> None:
    client.force_login(site.olga)
    words = text_of(posted(client, "manage_picture", "idd-lite", file=picture(size=(6000, 5000))))
    assert "24 megapixels are the most" in words


def test_a_phase_that_closes_before_it_opens_is_refused(client: Client, site: Site) -> None:
    client.force_login(site.olga)
    values = typed(client, "phase_edit", "idd-lite", "val") | {"closes": "2001-01-01T00:00"}
    answer = client.post(reverse("phase_edit", args=["idd-lite", "val"]), values)
    assert answer.status_code == 400, answer.context["form"].errors
    assert "The phase must close after it opens." in text_of(answer)


def test_what_scores_depend_on_is_locked(client: Client, site: Site) -> None:
    factories.finished(site.phase, site.team)
    client.force_login(site.olga)
    values = typed(client, "phase_edit", "idd-lite", "val") | {"public_share": 50, "contract": "batch"}
    posted(client, "phase_edit", "idd-lite", "val", **values)
    site.phase.refresh_from_db()
    assert (site.phase.public_share, site.phase.contract) == (100, "stream")
    assert "Make a new phase" in text_of(client.get(reverse("phase_edit", args=["idd-lite", "val"])))


def test_all_of_a_phase_run_again_a_few_at_a_time(client: Client, site: Site) -> None:
    made = [factories.finished(site.phase, site.team, title=f"Try {number}") for number in range(reruns.AT_ONCE + 3)]
    client.force_login(site.olga)
    assert "run again, a few at a time" in text_of(posted(client, "phase_act", "idd-lite", "val", **AGAIN))
    queued = Submission.objects.filter(state=State.QUEUED)
    assert queued.count() == reruns.AT_ONCE
    reruns.feed()
    assert queued.count() == reruns.AT_ONCE, "no more while they wait"
    factories.evaluate_all(0.7)
    reruns.feed()
    assert queued.count() == 3
    factories.evaluate_all(0.7)
    for one in made:
        one.refresh_from_db()
        assert (one.state, one.attempt_count, one.score and one.score.miou) == (State.FINISHED, 2, 0.7)
    assert "There is nothing to run" not in text_of(posted(client, "phase_act", "idd-lite", "val", **AGAIN))
    posted(client, "phase_act", "idd-lite", "val", act="call_off")
    reruns.feed()
    factories.evaluate_all(0.8)
    assert Submission.objects.filter(attempt_count=2).count() == 3, "what was not queued stays as it was"


def test_chosen_ones_are_disqualified_in_public_and_come_back(client: Client, site: Site) -> None:
    made = factories.finished(site.phase, site.team, miou=0.9)
    client.force_login(site.olga)
    chosen = {"chosen": [str(made.pk)]}
    page = text_of(posted(client, "challenge_submissions_act", "idd-lite", act="disqualify", reason="", **chosen))
    assert "Give a reason" in page
    posted(client, "challenge_submissions_act", "idd-lite", act="disqualify", reason="Trained on val", **chosen)
    board = text_of(Client().get(reverse("leaderboard", args=["idd-lite", "val"])))
    assert "Trained on val" in board
    posted(client, "challenge_submissions_act", "idd-lite", act="reinstate", reason="A mistake", **chosen)
    assert "Trained on val" not in text_of(Client().get(reverse("leaderboard", args=["idd-lite", "val"])))
    trail = text_of(client.get(reverse("manage_audit", args=["idd-lite"])))
    assert "Disqualified “ERFNet” of team Asphalt" in trail
    assert "Reinstated" in trail


def test_submissions_of_another_challenge_are_out_of_reach(client: Client, site: Site) -> None:
    made = factories.finished(site.phase, site.team)
    client.force_login(site.otto)
    posted(client, "challenge_submissions_act", "other", act="disqualify", reason="x", chosen=[str(made.pk)])
    made.refresh_from_db()
    assert made.disqualified_at is None


@pytest.mark.parametrize("pk", ["", "x" * 36, "0" * 36, "'; drop table"])
def test_strange_ids_are_left_alone(pk: str, client: Client, site: Site) -> None:
    client.force_login(site.olga)
    assert posted(client, "challenge_submissions_act", "idd-lite", act="cancel", chosen=[pk]).status_code == 200


def test_news_are_on_the_page_until_they_are_withdrawn(client: Client, site: Site) -> None:
    client.force_login(site.olga)
    posted(client, "manage_news", "idd-lite", title="A week more", body="It closes **later**.")
    assert "A week more" in text_of(Client().get(reverse("news", args=["idd-lite"])))
    posted(client, "manage_news_withdraw", "idd-lite", site.challenge.announcements.get().pk)
    assert "A week more" not in text_of(Client().get(reverse("news", args=["idd-lite"])))


def test_the_last_organizer_stays(client: Client, site: Site) -> None:
    client.force_login(site.olga)
    assert "needs an organizer" in text_of(posted(client, "manage_organizer", "idd-lite", remove="olga"))
    posted(client, "manage_organizer", "idd-lite", name="otto")
    posted(client, "manage_organizer", "idd-lite", remove="olga")
    assert list(site.challenge.organizers.all()) == [site.otto]


def test_the_final_standing_is_revealed_once_everything_is_scored(client: Client, site: Site) -> None:
    Phase.objects.filter(pk=site.phase.pk).update(freezes=timezone.now() - dt.timedelta(hours=1))
    client.force_login(site.olga)
    factories.finished(site.phase, site.team, miou=0.6)
    assert "The phase is open until" in text_of(posted(client, "phase_act", "idd-lite", "val", act="reveal"))
    Phase.objects.filter(pk=site.phase.pk).update(closes=timezone.now() - dt.timedelta(hours=1))
    assert "The final standing is public." in text_of(posted(client, "phase_act", "idd-lite", "val", act="reveal"))
    assert "60.00" in text_of(Client().get(reverse("leaderboard", args=["idd-lite", "val"])))


def test_exports_hold_no_formulas(client: Client, site: Site) -> None:
    factories.finished(site.phase, site.team, title="=HYPERLINK(1)")
    client.force_login(site.olga)
    answer: Any = client.get(reverse("manage_export", args=["idd-lite", "submissions", "csv"]))
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [(row["title"], row["team"], row["miou"]) for row in rows] == [("'=HYPERLINK(1)", "Asphalt", "0.5")]
    answer = client.get(reverse("manage_export", args=["idd-lite", "teams", "json"]))
    people = json.loads(b"".join(answer.streaming_content))["rows"]
    assert {row["user"] for row in people} == {"alice", "bob", "carol"}


def test_the_trail_shows_limits_before_and_after(client: Client, site: Site) -> None:
    client.force_login(site.olga)
    page = client.get(reverse("phase_limits", args=["idd-lite", "val"]))
    form = {field.html_name: str(field.field.prepare_value(field.value())) for field in page.context["limits_form"]}
    posted(client, "phase_limits", "idd-lite", "val", seen=page.context["seen"], **form | {"limits-pids": "64"})
    entry = AuditEntry.objects.filter(act="limits").get()
    assert entry.details["changes"] == {"pids": [128, 64]}
    assert re.search(r"Changed limits of the phase Validation: pids", entry.what)
