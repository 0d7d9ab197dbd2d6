"""The map of the site. A URL's name, its view, its template and its row in test_pages.py are called alike."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from challenge.api import api_urlpatterns
from challenge.views import board, docs, operator, organizer, profile, public, report, site, submissions, submit, team

# Staff log in where everyone does: there, and not on the admin's own page, wrong passwords are counted.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

PHASE = "challenges/<slug:slug>/<slug:phase_slug>/"

urlpatterns = [
    # Everyone
    path("", public.home, name="home"),
    path("challenges/", public.challenge_list, name="challenge_list"),
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
    path("submissions/", submissions.my_submissions, name="my_submissions"),
    path("submissions/<uuid:pk>/", submissions.submission, name="submission"),
    path("submissions/<uuid:pk>/live/", submissions.submission_live, name="submission_live"),
    path("submissions/<uuid:pk>/cancel/", submissions.submission_cancel, name="submission_cancel"),
    path("profile/", profile.profile, name="profile"),
    path("profile/token/", profile.token_create, name="token_create"),
    path("profile/token/revoke/", profile.token_revoke, name="token_revoke"),
    path("mail/stop/<str:token>/", profile.mail_stop, name="mail_stop"),
    # Organizers
    path("challenges/<slug:slug>/submissions/", organizer.challenge_submissions, name="challenge_submissions"),
    path("challenges/<slug:slug>/<slug:phase_slug>/edit/", organizer.phase_edit, name="phase_edit"),
    path("submissions/<uuid:pk>/rerun/", organizer.submission_rerun, name="submission_rerun"),
    # The documentation
    path("docs/", docs.docs, name="docs"),
    path("docs/<slug:name>/", docs.docs_page, name="docs_page"),
    path("docs/images/<str:name>", docs.docs_image, name="docs_image"),
    # Programs that ask every site
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
