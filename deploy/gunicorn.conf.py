"""gunicorn for the site: few processes, some threads; uploads are long and mostly wait."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from challenge.logs import logging_config

ROOT = Path(__file__).resolve().parent.parent

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_WORKERS", "2"))
worker_class = "gthread"
threads = int(os.environ.get("WEB_THREADS", "8"))
# A slow upload must not be cut off: Django streams it to disk as it comes.
timeout = 600
graceful_timeout = 30
max_requests = 2000
max_requests_jitter = 200
accesslog = os.environ.get("ACCESS_LOG") or None
_level = os.environ.get("LOG_LEVEL", "INFO")
logconfig_dict = logging_config(os.environ.get("LOG_FORMAT", "console"), _level)
# Requests are logged by nginx, and here only if ACCESS_LOG is set.
for _name, _lowest in {"gunicorn.error": _level, "gunicorn.access": "INFO" if accesslog else "WARNING"}.items():
    logconfig_dict["loggers"][_name] = {"handlers": ["stderr"], "level": _lowest, "propagate": False}
control_socket_disable = True  # It would be a file in a home directory; signals do.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  (heartbeats never wait for a disk)


def on_starting(server: Any) -> None:
    """Serves nothing with a wrong configuration or on a database that lacks migrations.

    In a process of its own: what the master imports, its workers would keep after a HUP, which is to bring new code.
    """
    asked = subprocess.run([sys.executable, "manage.py", "may_start"], cwd=ROOT, check=False)
    if asked.returncode != 0:
        raise SystemExit(1)
