"""A challenge from its first draft: what needs attention, texts, pages, pictures, news, organizers, review."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from challenge import permissions, storage
from challenge.forms.manage.texts import NewForm, NewsForm, OrganizerForm, PageForm, PictureForm, TextsForm
from challenge.organizing import acts, attention, drafts, news, people, pictures, texts
from challenge.views import finding
from challenge.views.manage.acting import acted, head


@login_required
def challenge_new(request: HttpRequest) -> HttpResponse:
    """Begins a challenge: a draft that nobody else sees."""
    user = cast(User, request.user)
    form = NewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = drafts.create(user, **form.cleaned_data)
        except acts.Refused as refusal:
            form.add_error(refusal.field or None, str(refusal))
        else:
            messages.success(request, "Your draft is here. The list says what it still needs.")
            return redirect("manage", made.slug)
    context = {"form": form, "refusal": drafts.why_not_create(user)}
    return render(request, "manage/challenge_new.html", context, status=400 if form.errors else 200)


@login_required
def manage(request: HttpRequest, slug: str) -> HttpResponse:
    """What needs attention, and the way to everything an organizer can do."""
    challenge = finding.challenge_to_edit(request, slug)
    seen = attention.figures(challenge)
    context = head(challenge, "manage")
    context |= {
        "missing": drafts.missing(challenge) if not challenge.is_public else [],
        "needs": attention.needs(challenge, context["phases"], seen),
        "seen": seen,
        "teams": challenge.teams.filter(is_baseline=False).count(),
        "organizers": list(challenge.organizers.all()),
        "organizer_form": OrganizerForm(),
        "may_delete": not drafts.why_not_delete(challenge),
    }
    return render(request, "manage/manage.html", context)


@login_required
def manage_texts(request: HttpRequest, slug: str) -> HttpResponse:
    """Title, description, data, licence, time zone, teams; and the list of pages and pictures."""
    challenge = finding.challenge_to_edit(request, slug)
    user = cast(User, request.user)
    form = TextsForm(request.POST or None, record=challenge)
    if request.method == "POST" and form.is_valid():
        if acted(form, lambda: texts.edit_texts(challenge, user, form.values(), form.cleaned_data["seen"])):
            messages.success(request, "Saved.")
            return redirect("manage_texts", slug)
        challenge.refresh_from_db()
    context = head(challenge, "manage_texts") | {
        "form": form,
        "texts": list(challenge.pages.all()),
        "pictures": list(challenge.pictures.all()),
        "picture_form": PictureForm(),
    }
    return render(request, "manage/manage_texts.html", context, status=400 if form.errors else 200)


@login_required
def manage_page(request: HttpRequest, slug: str, page: str = "") -> HttpResponse:
    """One page, or a new one; with a preview of what is saved."""
    challenge = finding.challenge_to_edit(request, slug)
    user = cast(User, request.user)
    record = get_object_or_404(challenge.pages, slug=page) if page else None
    form = PageForm(request.POST or None, record=record)
    if request.method == "POST" and form.is_valid():

        def save() -> object:
            if record is None:
                return texts.add_page(challenge, user, **form.values())
            return texts.edit_page(record, user, form.values(), form.cleaned_data["seen"])

        if acted(form, save):
            messages.success(request, "Saved.")
            return redirect("manage_page", slug, form.cleaned_data["slug"])
    context = head(challenge, "manage_texts") | {"form": form, "record": record}
    return render(request, "manage/manage_page.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def manage_page_act(request: HttpRequest, slug: str, page: str) -> HttpResponse:
    """Moves or deletes a page."""
    challenge = finding.challenge_to_edit(request, slug)
    user = cast(User, request.user)
    record = get_object_or_404(challenge.pages, slug=page)
    if request.POST.get("act") == "delete":
        texts.delete_page(record, user)
        messages.success(request, f"Deleted the page “{record.title}”.")
    else:
        texts.move_page(record, user, up=request.POST.get("act") == "up")
    return redirect("manage_texts", slug)


@login_required
@require_POST
def manage_picture(request: HttpRequest, slug: str) -> HttpResponse:
    """Adds a picture, or deletes the one that `delete` names."""
    challenge = finding.challenge_to_edit(request, slug)
    user = cast(User, request.user)
    if name := request.POST.get("delete"):
        pictures.delete(get_object_or_404(challenge.pictures, name=name), user)
        messages.success(request, f"Deleted the picture “{name}”.")
        return redirect("manage_texts", slug)
    form = PictureForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, "Choose a picture: PNG, JPEG or WebP.")
        return redirect("manage_texts", slug)
    upload = form.cleaned_data["file"]
    try:
        made = pictures.add(challenge, user, upload, form.cleaned_data["name"] or upload.name or "")
    except (acts.Refused, storage.Away) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Added. Pages show it with ![what it shows]({made.name}).")
    return redirect("manage_texts", slug)


@login_required
def manage_news(request: HttpRequest, slug: str) -> HttpResponse:
    """Announcements: write one, withdraw one."""
    challenge = finding.challenge_to_edit(request, slug)
    user = cast(User, request.user)
    form = NewsForm(request.POST or None)
    if (
        request.method == "POST"
        and form.is_valid()
        and acted(form, lambda: news.publish(challenge, user, **form.cleaned_data))
    ):
        messages.success(request, "Published. Everyone who takes part gets a mail, unless she does not want any.")
        return redirect("manage_news", slug)
    context = head(challenge, "manage_news") | {"form": form, "announcements": challenge.announcements.all()[:50]}
    return render(request, "manage/manage_news.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def manage_news_withdraw(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Takes an announcement off the site; mails that have gone out can't be called back."""
    challenge = finding.challenge_to_edit(request, slug)
    news.withdraw(get_object_or_404(challenge.announcements, pk=pk), cast(User, request.user))
    messages.success(request, "Withdrawn.")
    return redirect("manage_news", slug)


@login_required
@require_POST
def manage_organizer(request: HttpRequest, slug: str) -> HttpResponse:
    """Adds an organizer, or removes the one that `remove` names."""
    challenge = finding.challenge_to_edit(request, slug)
    user = cast(User, request.user)
    try:
        if name := request.POST.get("remove"):
            people.remove_organizer(challenge, user, get_object_or_404(challenge.organizers, username=name))
            messages.success(request, f"{name} is no organizer any more.")
        else:
            added = people.add_organizer(challenge, user, request.POST.get("name", ""))
            messages.success(request, f"{added} organizes this challenge now.")
    except acts.Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("manage" if permissions.can_edit(user, challenge) else "challenge", slug)


@login_required
@require_POST
def manage_stage(request: HttpRequest, slug: str) -> HttpResponse:
    """Asks for review, withdraws, or deletes a draft."""
    challenge = finding.challenge_to_edit(request, slug)
    user = cast(User, request.user)
    wanted = request.POST.get("act")
    try:
        if wanted == "review":
            drafts.ask_for_review(challenge, user)
            messages.success(request, "Staff have been told. You get a mail when they have looked at it.")
        elif wanted == "withdraw":
            drafts.withdraw(challenge, user)
            messages.success(request, "It is a draft again.")
        elif wanted == "delete":
            drafts.delete(challenge, user)
            messages.success(request, "The draft is deleted.")
            return redirect("home")
    except acts.Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("manage", slug)
