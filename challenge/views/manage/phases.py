"""Phases: settings, limits, order, and the reveal of the final standing."""

from __future__ import annotations

import datetime as dt
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from challenge import ranking
from challenge.admission import Refused as NotNow
from challenge.forms.manage.limits import LimitsForm
from challenge.forms.manage.phases import PhaseForm
from challenge.models import Phase
from challenge.organizing import acts, phases, reruns
from challenge.organizing.offers import HostOffer
from challenge.views import finding
from challenge.views.manage.acting import acted, head
from sandbox import PROFILES


@login_required
def phase_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Another phase; its limits are set on its own page, once it is there."""
    challenge = finding.challenge_to_edit(request, slug)
    user = cast(User, request.user)
    tomorrow = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)
    blank = Phase(challenge=challenge, opens=tomorrow, closes=tomorrow + dt.timedelta(days=30))
    form = PhaseForm(request.POST or None, record=blank, challenge=challenge, user=user)
    if request.method == "POST" and form.is_valid() and acted(form, lambda: phases.add(challenge, user, form.values())):
        messages.success(request, "The phase is there. Now look at its limits.")
        return redirect("phase_limits", slug, form.cleaned_data["slug"])
    return render(
        request,
        "manage/phase_new.html",
        head(challenge, "phase_new") | {"form": form},
        status=400 if form.errors else 200,
    )


@login_required
def phase_edit(request: HttpRequest, slug: str, phase_slug: str) -> HttpResponse:
    """Dates, data, kinds, quotas, columns, the private part, the freeze; and what follows from them."""
    phase = finding.phase_to_edit(request, slug, phase_slug)
    user = cast(User, request.user)
    form = PhaseForm(request.POST or None, record=phase, challenge=phase.challenge, user=user)
    if request.method == "POST" and form.is_valid():
        if acted(form, lambda: phases.edit(phase, user, form.values(), form.cleaned_data["seen"])):
            messages.success(request, "Saved.")
            return redirect("phase_edit", slug, phase.slug)
        phase = finding.phase_to_edit(request, slug, phase_slug)
    context = head(phase.challenge, "phase_edit") | {
        "phase": phase,
        "form": form,
        "consequences": phases.consequences(phase),
        "rerun": reruns.newest(phase),
        "why_not_reveal": ranking.why_not_reveal(phase),
    }
    return render(request, "manage/phase_edit.html", context, status=400 if form.errors else 200)


@login_required
def phase_limits(request: HttpRequest, slug: str, phase_slug: str) -> HttpResponse:
    """Limits of each run. `?profile=NAME` fills them in without saving them."""
    phase = finding.phase_to_edit(request, slug, phase_slug)
    user = cast(User, request.user)
    host = HostOffer.of(phase.queue)
    profile = PROFILES.get(request.GET.get("profile", ""))
    initial = host.fit(profile) if profile else phase.limits
    form = LimitsForm(request.POST or None, initial=initial, host=host, phase=phase)
    seen = acts.fingerprint(phase.limits_data)
    posted = request.POST.get("seen", "")
    if (
        request.method == "POST"
        and form.is_valid()
        and acted(form, lambda: phases.set_limits(phase, user, form.limits, posted))
    ):
        messages.success(request, "Saved. The new limits apply to attempts that begin from now on.")
        return redirect("phase_limits", slug, phase_slug)
    context = head(phase.challenge, "phase_limits") | {
        "phase": phase,
        "limits_form": form,
        "seen": seen,
        "profiles": PROFILES.values(),
        "chosen": profile.name if profile else "",
        "host": host,
        "consequences": phases.consequences(phase),
        "rerun": reruns.newest(phase),
    }
    return render(request, "manage/phase_limits.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def phase_act(request: HttpRequest, slug: str, phase_slug: str) -> HttpResponse:
    """Moves or deletes a phase, reveals its final standing, runs all of it again, or calls that off."""
    phase = finding.phase_to_edit(request, slug, phase_slug)
    user = cast(User, request.user)
    try:
        done = _act(phase, user, request.POST.get("act", ""), request.POST.get("reason", ""))
    except (acts.Refused, NotNow) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    if Phase.objects.filter(pk=phase.pk).exists():
        return redirect("phase_edit", slug, phase_slug)
    return redirect("manage", slug)


def _act(phase: Phase, user: User, wanted: str, reason: str) -> str:
    match wanted:
        case "up" | "down":
            return "Moved." if phases.move(phase, user, up=wanted == "up") else "It stands there already."
        case "delete":
            phases.delete(phase, user)
            return f"Deleted the phase “{phase.title}”."
        case "reveal":
            ranking.reveal(phase, user)
            return "The final standing is public."
        case "rerun":
            count = reruns.begin(phase, user, reason)
            return f"{count} submissions run again, a few at a time, behind those that are new."
        case "call_off":
            reruns.call_off(phase, user)
            return "Called off: what has not been queued yet stays as it is."
    raise acts.Refused("Nothing was done: the form named no act.")
