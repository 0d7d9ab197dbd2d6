"""The JSON API, version 1. `challenge/urls.py` includes these patterns under /api/v1/."""

from __future__ import annotations

from django.urls import URLPattern, path

from challenge.api import boards, challenges, description, organizing, people, phases, reports, submissions, uploads

CHALLENGE = "challenges/<slug:slug>/"
PHASE = "phases/<int:pk>/"
SUBMISSION = "submissions/<uuid:pk>/"

api_urlpatterns: list[URLPattern] = [
    path("schema/", description.SchemaView.as_view(), name="api_schema"),
    # Everyone
    path("challenges/", challenges.ChallengeList.as_view(), name="api_challenges"),
    path(f"{CHALLENGE}", challenges.ChallengeDetail.as_view(), name="api_challenge"),
    path(f"{CHALLENGE}pages/<slug:page>/", challenges.ChallengePage.as_view(), name="api_challenge_page"),
    path(f"{CHALLENGE}news/", challenges.NewsList.as_view(), name="api_challenge_news"),
    path("phases/", phases.PhaseList.as_view(), name="api_phases"),
    path(f"{PHASE}", phases.PhaseDetail.as_view(), name="api_phase"),
    path(f"{PHASE}leaderboard/", boards.Leaderboard.as_view(), name="api_leaderboard"),
    path(f"{PHASE}history/", boards.History.as_view(), name="api_history"),
    path("reports/<uuid:pk>/", reports.ReportDetail.as_view(), name="api_report"),
    # Participants
    path("me/", people.Me.as_view(), name="api_me"),
    path("teams/", people.TeamList.as_view(), name="api_teams"),
    path(f"{PHASE}quota/", phases.PhaseQuota.as_view(), name="api_phase_quota"),
    path("submissions/", submissions.SubmissionList.as_view(), name="api_submissions"),
    path(f"{SUBMISSION}", submissions.SubmissionDetail.as_view(), name="api_submission"),
    path(f"{SUBMISSION}attempts/", submissions.SubmissionAttempts.as_view(), name="api_submission_attempts"),
    path(f"{SUBMISSION}cancel/", submissions.SubmissionCancel.as_view(), name="api_submission_cancel"),
    path(f"{SUBMISSION}choose/", submissions.SubmissionChoose.as_view(), name="api_submission_choose"),
    path("uploads/", uploads.UploadList.as_view(), name="api_uploads"),
    # No slash at the end: `curl -T` would add the file's name behind it.
    path("uploads/<uuid:pk>", uploads.UploadDetail.as_view(), name="api_upload"),
    # Organizers
    path(f"{CHALLENGE}submissions/", organizing.ChallengeSubmissions.as_view(), name="api_challenge_submissions"),
    path(
        f"{CHALLENGE}exports/<slug:what>.<slug:form>", organizing.ChallengeExport.as_view(), name="api_challenge_export"
    ),
    path(f"{PHASE}limits/", phases.PhaseLimits.as_view(), name="api_phase_limits"),
    path(f"{PHASE}rerun/", phases.PhaseRerun.as_view(), name="api_phase_rerun"),
    path(f"{SUBMISSION}rerun/", organizing.SubmissionRerun.as_view(), name="api_submission_rerun"),
    path(f"{SUBMISSION}disqualify/", organizing.SubmissionDisqualify.as_view(), name="api_submission_disqualify"),
    path(f"{SUBMISSION}reinstate/", organizing.SubmissionReinstate.as_view(), name="api_submission_reinstate"),
]
