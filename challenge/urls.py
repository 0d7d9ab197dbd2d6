"""The map of the site. A URL's name, its view, its template and its row in test_pages.py are called alike."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path, re_path

from challenge.api import api_urlpatterns
from challenge.views import (
    board,
    docs,
    invitation,
    my_team,
    operator,
    organizer,
    profile,
    public,
    report,
    site,
    submissions,
    submit,
    team,
)
from challenge.views.manage import exports as manage_exports
from challenge.views.manage import phases as manage_phases
from challenge.views.manage import submissions as manage_submissions
from challenge.views.manage import texts as manage_texts

# Staff log in where everyone does: there, and not on the admin's own page, wrong passwords are counted.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

PHASE = "challenges/<slug:slug>/<slug:phase_slug>/"
MANAGE = "challenges/<slug:slug>/manage/"
EXPORTS = r"challenges/(?P<slug>[-\w]+)/manage/(?P<what>submissions|teams|audit)\.(?P<form>csv|json)"

urlpatterns = [
    # Everyone
    path("", public.home, name="home"),
    path("challenges/", public.challenge_list, name="challenge_list"),
    path("challenges/new/", manage_texts.challenge_new, name="challenge_new"),
    path("challenges/<slug:slug>/", public.challenge, name="challenge"),
    path("challenges/<slug:slug>/pages/<slug:page>/", public.challenge_page, name="challenge_page"),
    path("challenges/<slug:slug>/pictures/<slug:name>", public.picture, name="picture"),
    path("challenges/<slug:slug>/news/", public.news, name="news"),
    path("challenges/<slug:slug>/teams/", team.team_list, name="team_list"),
    path("challenges/<slug:slug>/teams/<slug:team_slug>/", team.team, name="team"),
    path(f"{PHASE}leaderboard/", board.leaderboard, name="leaderboard"),
    path(f"{PHASE}leaderboard/chart/", board.leaderboard_chart, name="leaderboard_chart"),
    path(f"{PHASE}leaderboard/history/", board.leaderboard_history, name="leaderboard_history"),
    path(f"{PHASE}leaderboard.csv", board.leaderboard_csv, name="leaderboard_csv"),
    path(f"{PHASE}leaderboard.json", board.leaderboard_json, name="leaderboard_json"),
    path("reports/<uuid:pk>/", report.report, name="report"),
    # Participants
    path("challenges/<slug:slug>/<slug:phase_slug>/submit/", submit.submit, name="submit"),
    path("challenges/<slug:slug>/<slug:phase_slug>/submit/begin/", submit.upload_begin, name="upload_begin"),
    path("challenges/<slug:slug>/my-team/", my_team.my_team, name="my_team"),
    path("challenges/<slug:slug>/my-team/found/", my_team.team_found, name="team_found"),
    path("challenges/<slug:slug>/my-team/rename/", my_team.team_rename, name="team_rename"),
    path("challenges/<slug:slug>/my-team/invite/", my_team.team_invite, name="team_invite"),
    path("challenges/<slug:slug>/my-team/merge/", my_team.team_merge, name="team_merge"),
    path("challenges/<slug:slug>/my-team/leave/", my_team.team_leave, name="team_leave"),
    path("challenges/<slug:slug>/my-team/member/", my_team.team_member, name="team_member"),
    path("invitations/<uuid:pk>/", invitation.invitation, name="invitation"),
    path("invitations/<uuid:pk>/answer/", invitation.invitation_answer, name="invitation_answer"),
    path("submissions/", submissions.my_submissions, name="my_submissions"),
    path("submissions/<uuid:pk>/", submissions.submission, name="submission"),
    path("submissions/<uuid:pk>/live/", submissions.submission_live, name="submission_live"),
    path("submissions/<uuid:pk>/cancel/", submissions.submission_cancel, name="submission_cancel"),
    path("profile/", profile.profile, name="profile"),
    path("profile/settings/", profile.settings_save, name="settings_save"),
    path("profile/tokens/", profile.token_create, name="token_create"),
    path("profile/tokens/revoke/", profile.token_revoke, name="token_revoke"),
    path("mail/stop/<str:token>/", profile.mail_stop, name="mail_stop"),
    # Organizers
    path(f"{MANAGE}", manage_texts.manage, name="manage"),
    path(f"{MANAGE}stage/", manage_texts.manage_stage, name="manage_stage"),
    path(f"{MANAGE}organizers/", manage_texts.manage_organizer, name="manage_organizer"),
    path(f"{MANAGE}texts/", manage_texts.manage_texts, name="manage_texts"),
    path(f"{MANAGE}texts/new/", manage_texts.manage_page, name="manage_page_new"),
    path(f"{MANAGE}texts/<slug:page>/", manage_texts.manage_page, name="manage_page"),
    path(f"{MANAGE}texts/<slug:page>/act/", manage_texts.manage_page_act, name="manage_page_act"),
    path(f"{MANAGE}pictures/", manage_texts.manage_picture, name="manage_picture"),
    path(f"{MANAGE}news/", manage_texts.manage_news, name="manage_news"),
    path(f"{MANAGE}news/<int:pk>/withdraw/", manage_texts.manage_news_withdraw, name="manage_news_withdraw"),
    path(f"{MANAGE}teams/", manage_submissions.manage_teams, name="manage_teams"),
    path(f"{MANAGE}teams/<slug:team_slug>/act/", manage_submissions.manage_team_act, name="manage_team_act"),
    path(f"{MANAGE}audit/", manage_submissions.manage_audit, name="manage_audit"),
    re_path(rf"^{EXPORTS}$", manage_exports.manage_export, name="manage_export"),
    path("challenges/<slug:slug>/submissions/", manage_submissions.challenge_submissions, name="challenge_submissions"),
    path(
        "challenges/<slug:slug>/submissions/act/",
        manage_submissions.challenge_submissions_act,
        name="challenge_submissions_act",
    ),
    path(f"{MANAGE}phases/new/", manage_phases.phase_new, name="phase_new"),
    path(f"{PHASE}edit/", manage_phases.phase_edit, name="phase_edit"),
    path(f"{PHASE}limits/", manage_phases.phase_limits, name="phase_limits"),
    path(f"{PHASE}act/", manage_phases.phase_act, name="phase_act"),
    path("submissions/<uuid:pk>/rerun/", organizer.submission_rerun, name="submission_rerun"),
    # The documentation
    path("docs/", docs.docs, name="docs"),
    path("docs/<slug:name>/", docs.docs_page, name="docs_page"),
    path("docs/images/<str:name>", docs.docs_image, name="docs_image"),
    # The site as a whole
    path("status/", site.status, name="status"),
    path("robots.txt", site.robots, name="robots"),
    path("favicon.ico", site.favicon, name="favicon"),
    # Operators' programs
    path("healthz", operator.healthz, name="healthz"),
    path("readyz", operator.readyz, name="readyz"),
    path("metrics", operator.metrics, name="metrics"),
    # Parts with maps of their own
    path("api/v1/", include(api_urlpatterns)),
    path("account/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
