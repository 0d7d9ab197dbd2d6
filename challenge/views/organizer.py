"""What an organizer does: set a phase and its limits, see every submission, run one again."""

from __future__ import annotations

import uuid
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from challenge import permissions, submissions
from challenge.forms.phases import HostOffer, LimitsForm, PhaseForm
from challenge.models import Phase
from challenge.views import finding
from challenge.views.paging import paged
from challenge.views.public import main_phase
from sandbox import PROFILES, Limits


@login_required
def phase_edit(request: HttpRequest, slug: str, phase_slug: str) -> HttpResponse:
    """Dates, quotas and limits of a phase. `?profile=NAME` fills the limits in without saving them."""
    phase = finding.phase_to_edit(request, slug, phase_slug)
    host = HostOffer.configured()
    chosen = PROFILES.get(request.GET.get("profile", ""))
    initial = host.fit(chosen) if chosen else phase.limits
    phase_form = PhaseForm(request.POST or None, instance=phase)
    limits_form = LimitsForm(request.POST or None, initial=initial, host=host)
    if request.method == "POST" and phase_form.is_valid() & limits_form.is_valid():
        _save(phase_form, limits_form.limits)
        messages.success(request, "Saved. The new limits apply to attempts that begin from now on.")
        return redirect("phase_edit", slug, phase_slug)
    context = {
        "challenge": phase.challenge,
        # The form has written what was typed into `phase`; headings show what is saved.
        "phase": Phase.objects.get(pk=phase.pk) if phase_form.errors else phase,
        "phases": list(phase.challenge.phases.all()),
        "phase_form": phase_form,
        "limits_form": limits_form,
        "profiles": PROFILES.values(),
        "chosen": chosen.name if chosen else "",
        "host": host,
        "may_edit": True,
    }
    status = 400 if phase_form.errors or limits_form.errors else 200
    return render(request, "phase_edit.html", context, status=status)


def _save(form: PhaseForm, limits: Limits) -> None:
    phase = form.save(commit=False)
    phase.limits_data = limits.as_dict()
    phase.save()


@login_required
def challenge_submissions(request: HttpRequest, slug: str) -> HttpResponse:
    """Every submission to the challenge."""
    challenge = finding.challenge_to_edit(request, slug)
    page = paged(request, permissions.visible_submissions(request.user).filter(phase__challenge=challenge))
    context = {
        "challenge": challenge,
        "phase": main_phase(list(challenge.phases.all())),
        "page": page,
        "submissions": page.object_list,
        "may_edit": True,
    }
    return render(request, "challenge_submissions.html", context)


@login_required
@require_POST
def submission_rerun(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Queues a submission again under the limits of now."""
    found = finding.submission(request, pk)
    if not permissions.can_rerun(request.user, found):
        raise PermissionDenied("Only an organizer of the challenge may have a submission run again.")
    try:
        submissions.rerun(found, cast(User, request.user))
    except submissions.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Queued again. Its score stays until the new attempt is done.")
    return redirect("submission", pk)
