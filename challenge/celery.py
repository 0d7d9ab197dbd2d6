"""The Celery application: broker, queue, time limits.

Celery only rings a bell; the database is the truth. Any message may be lost, late or doubled without harm: see
worker/tasks.py. Start a worker with `celery -A challenge worker` (one evaluation at a time; start more for more).
"""

from __future__ import annotations

import os
from typing import Any

import structlog
from celery import Celery, signals
from django.conf import settings
from kombu import Queue
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "challenge.settings")

# `filesystem://` means our mended transport: see broker.py.
TRANSPORT_ALIASES["filesystem"] = "challenge.broker:Transport"

LONGEST_RUN_SECONDS = 26 * 3600
"""Above the highest total time an organizer can set; each run's own limits end it long before."""

log = structlog.get_logger(__name__)
app = Celery("parakh")


def broker_options(url: str) -> dict[str, Any]:
    """Transport options for the broker at `url`."""
    if url.startswith("filesystem:"):
        folders = {name: settings.BROKER_DIR / name for name in ("messages", "control")}
        for folder in folders.values():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return {
            # One folder for both directions: site and workers share it.
            "data_folder_in": str(folders["messages"]),
            "data_folder_out": str(folders["messages"]),
            "control_folder": str(folders["control"]),
            "polling_interval": 0.25,
        }
    if url.startswith("redis"):
        # A bell that nobody has acknowledged for so long is rung again; below the longest run it would ring while that
        # goes on, over and over.
        return {"visibility_timeout": settings.BROKER_VISIBILITY_SECONDS or LONGEST_RUN_SECONDS + 3600}
    return {}


def bell_queue(queue: str) -> str:
    """Name on the broker of the bells of a queue of phases."""
    return "parakh" if queue == "default" else f"parakh.{queue}"


def queue_arguments(url: str) -> dict[str, Any]:
    """RabbitMQ from 3.12 on ends a consumer that acknowledges nothing for half an hour: longer than any run, here."""
    return {"x-consumer-timeout": 1000 * (LONGEST_RUN_SECONDS + 3600)} if url.startswith("amqp") else {}


app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_transport_options=broker_options(settings.BROKER_URL),
    broker_connection_retry_on_startup=True,
    imports=("challenge.worker.tasks", "challenge.worker.watch", "challenge.worker.mail"),
    task_default_queue=bell_queue("default"),
    task_queues=[  # Served by this machine's workers.
        Queue(name, queue_arguments=queue_arguments(settings.BROKER_URL))
        for name in map(bell_queue, settings.PARAKH_QUEUES)
    ],
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    # A busy worker must not keep a second bell to itself while another worker is idle.
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_concurrency=1,
    task_time_limit=LONGEST_RUN_SECONDS,
    # Nobody uses it. The file-system broker would keep a file for every message of it, and with RabbitMQ a second
    # worker on a machine would not start: both would want the same queue for it.
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    beat_schedule_filename=str(settings.PARAKH_VAR / "beat-schedule"),
    beat_schedule={
        "reap": {
            "task": "parakh.reap",
            "schedule": settings.PARAKH_REAP_SECONDS,
            # Not worth doing late: the next one is about to come.
            "options": {"expires": settings.PARAKH_REAP_SECONDS},
        }
    },
    enable_utc=True,
    timezone="UTC",
)


@signals.setup_logging.connect
def keep_django_logging(**kwargs: Any) -> None:
    """Celery then leaves the logging of settings.py as it is."""


def ring_bell(queue: str = "default") -> None:
    """Tell an idle worker that something is queued. Never raises: workers also look for themselves."""
    try:
        # The exchange without a name delivers to the queue itself: it has no table that is lost with an emptied broker.
        app.send_task("parakh.ring", exchange="", routing_key=bell_queue(queue), ignore_result=True)
    except Exception as error:  # Each broker's client raises its own zoo, and none of it matters here.
        log.warning("bell not rung; a worker will find the submission by itself", error=repr(error))


def ring_if_silent(queue: str) -> None:
    """The same, unless a bell waits there already: what workers do over and over must not fill a broker."""
    try:
        with app.connection_for_write() as connection:
            channel: Any = connection.default_channel
            waiting = channel.queue_declare(bell_queue(queue), passive=True).message_count
    except Exception:  # No such queue yet, or no broker: both are for ring_bell to deal with.
        waiting = 0
    if not waiting:
        ring_bell(queue)
