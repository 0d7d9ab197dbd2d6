"""gunicorn for the site: few processes, some threads; uploads are long and mostly wait."""

import os

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_WORKERS", "2"))
worker_class = "gthread"
threads = int(os.environ.get("WEB_THREADS", "4"))
# A slow upload must not be cut off: Django streams it to disk as it comes.
timeout = 600
graceful_timeout = 30
max_requests = 2000
max_requests_jitter = 200
accesslog = os.environ.get("ACCESS_LOG") or None
