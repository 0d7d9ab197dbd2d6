"""What the database itself refuses, whoever writes: forbidden moves, and any change of what is final.

Made of triggers, and put in place after each `migrate` and not by a migration: SQLite drops a table's triggers when a
later migration alters the table, and nobody would notice.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from challenge.models import Attempt, AttemptTransition, AuditEntry, Score, Submission, Transition
from challenge.states import ALLOWED, ATTEMPT_ALLOWED


def _not_in(table: Any) -> str:
    """SQL: the state changes, and not as the table says."""
    moves = sorted(f"'{before.value} {after.value}'" for before, allowed in table.items() for after in allowed)
    return f"OLD.state <> NEW.state AND OLD.state || ' ' || NEW.state NOT IN ({', '.join(moves)})"


_OUTCOME_CHANGES = (
    "OLD.state IN ('finished', 'failed', 'cancelled') AND NEW.state = OLD.state AND ("
    "NEW.score_id IS DISTINCT FROM OLD.score_id OR NEW.finished_at IS DISTINCT FROM OLD.finished_at "
    "OR NEW.fence <> OLD.fence OR NEW.attempt_count <> OLD.attempt_count)"
)
"""SQL: what came of a submission changes though it does not leave its final state, as a re-run does."""


def _changes_but(model: type[Any], forgotten: str) -> str:
    """SQL: anything changes but that this text column is emptied."""
    others = [field.column for field in model._meta.concrete_fields if field.column != forgotten]
    changed = " OR ".join(f'OLD."{column}" IS DISTINCT FROM NEW."{column}"' for column in others)
    return f"(NEW.{forgotten} NOT IN ('', OLD.{forgotten}) OR {changed})"


_REFUSALS: tuple[tuple[str, type[Any], str, str], ...] = (
    ("submission_moves", Submission, _not_in(ALLOWED), "this submission can not go from its state to that"),
    ("submission_final", Submission, _OUTCOME_CHANGES, "what came of a submission never changes"),
    ("attempt_moves", Attempt, _not_in(ATTEMPT_ALLOWED), "this attempt can not go from its state to that"),
    (
        "attempt_final",
        Attempt,
        # The label maps that were kept may be removed; what came of it stays.
        f"OLD.state = 'done' AND {_changes_but(Attempt, 'predictions')}",
        "a done attempt never changes",
    ),
    ("score_final", Score, "1 = 1", "a score never changes"),
    ("history_final", Transition, "1 = 1", "history never changes"),
    ("audit_final", AuditEntry, "1 = 1", "the audit trail never changes"),
    ("attempt_history_final", AttemptTransition, "1 = 1", "history never changes"),
)
"""Name, model, condition on an UPDATE, and the words of the IntegrityError."""


def install(connection: BaseDatabaseWrapper) -> None:
    """Puts the triggers in place, in the words of SQLite or of PostgreSQL."""
    remove(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE OR REPLACE FUNCTION parakh_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $$"
            )
        for name, model, condition, words in _REFUSALS:
            head = (
                f"CREATE TRIGGER parakh_{name} BEFORE UPDATE ON {model._meta.db_table} FOR EACH ROW WHEN ({condition})"
            )
            if connection.vendor == "postgresql":
                cursor.execute(f"{head} EXECUTE FUNCTION parakh_refuse('{words}')")
            else:
                # SQLite before 3.39 knows the standard's words for it not.
                head = head.replace("IS DISTINCT FROM", "IS NOT")
                cursor.execute(f"{head} BEGIN SELECT RAISE(ABORT, '{words}'); END")


def remove(connection: BaseDatabaseWrapper) -> None:
    """Takes them away: for repairs by hand, and for tests that write history."""
    with connection.cursor() as cursor:
        for name, model, _, _ in _REFUSALS:
            place = f" ON {model._meta.db_table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS parakh_{name}{place}")
