"""The JSON API, version 1. `challenge/urls.py` includes these patterns under /api/v1/."""

from __future__ import annotations

from django.urls import URLPattern, path
from drf_spectacular.views import SpectacularAPIView

from challenge.api import uploads, views

api_urlpatterns: list[URLPattern] = [
    path("schema/", SpectacularAPIView.as_view(), name="api_schema"),
    path("phases/", views.PhaseList.as_view(), name="api_phases"),
    path("phases/<int:pk>/", views.PhaseDetail.as_view(), name="api_phase"),
    path("phases/<int:pk>/leaderboard/", views.Leaderboard.as_view(), name="api_leaderboard"),
    path("submissions/", views.SubmissionList.as_view(), name="api_submissions"),
    path("submissions/<uuid:pk>/", views.SubmissionDetail.as_view(), name="api_submission"),
    path("submissions/<uuid:pk>/cancel/", views.SubmissionCancel.as_view(), name="api_submission_cancel"),
    path("uploads/", uploads.UploadList.as_view(), name="api_uploads"),
    # No slash at the end: `curl -T` would add the file's name behind it.
    path("uploads/<uuid:pk>", uploads.UploadDetail.as_view(), name="api_upload"),
]
