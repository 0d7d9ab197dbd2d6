"""What is remembered. Plain records: no logic that spans two models (see submissions.py and leaderboard.py).

One submission goes through one or more attempts; a done attempt never changes. `Submission.fence` is what a worker
shows with every write: the database takes the write only while the worker still holds the submission.
"""

from challenge.models.challenges import (
    DEFAULT_QUEUE,
    Announcement,
    Challenge,
    Contract,
    Dataset,
    Page,
    Phase,
    Picture,
    Stage,
    default_kinds,
    default_limits,
    draw_seed,
    picture_path,
)
from challenge.models.hosts import Host
from challenge.models.notices import Alert, AuditEntry, Notice, Topic
from challenge.models.organizing import QuotaGrant, Rerun, RerunItem
from challenge.models.people import IdempotencyKey, Profile, Token
from challenge.models.scores import Board, BoardRow, Record, Score, Standing
from challenge.models.submissions import (
    VERDICTS,
    Attempt,
    AttemptState,
    AttemptTransition,
    Kind,
    State,
    Submission,
    Transition,
    upload_path,
)
from challenge.models.teams import Answer, Invitation, Membership, Role, Team

__all__ = [
    "DEFAULT_QUEUE",
    "VERDICTS",
    "Alert",
    "Announcement",
    "Answer",
    "Attempt",
    "AttemptState",
    "AttemptTransition",
    "AuditEntry",
    "Board",
    "BoardRow",
    "Challenge",
    "Contract",
    "Dataset",
    "Host",
    "IdempotencyKey",
    "Invitation",
    "Kind",
    "Membership",
    "Notice",
    "Page",
    "Phase",
    "Picture",
    "Profile",
    "QuotaGrant",
    "Record",
    "Rerun",
    "RerunItem",
    "Role",
    "Score",
    "Stage",
    "Standing",
    "State",
    "Submission",
    "Team",
    "Token",
    "Topic",
    "Transition",
    "default_kinds",
    "default_limits",
    "draw_seed",
    "picture_path",
    "upload_path",
]
