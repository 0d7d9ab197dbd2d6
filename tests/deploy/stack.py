"""Every program of deploy/compose.yaml, with its command and its settings from there, natively on loopback.

Only addresses, ports and folders differ: each program listens on a free port, and secrets lie in a folder of the test.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

from tests import services
from tests.services import free_port, until

ROOT = settings.BASE_DIR
DEPLOY = ROOT / "deploy"


def composed() -> dict[str, Any]:
    """The services of compose.yaml, with what they share merged in."""
    services_: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return services_


class Stack:
    """Starts the programs one by one. `url` is nginx over TLS; `web_url` gunicorn behind it."""

    def __init__(self, folder: Path, database: str, redis: str, **given: str) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.log.mkdir()
        web, self.http_port, https = free_port(), free_port(), free_port()
        self.url = f"https://localhost:{https}"
        self._ports = {"HTTPS_PORT": f"127.0.0.1:{https}", "HTTP_PORT": f"127.0.0.1:{self.http_port}"}
        self._web = f"127.0.0.1:{web}"
        self._make_secrets(database, redis)
        self._given = given
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def web_url(self) -> str:
        return f"http://{self._web}"

    def _make_secrets(self, database: str, redis: str) -> None:
        """By the script that operators use; then the addresses of this test's services."""
        shutil.copy(DEPLOY / "make-secrets", self.folder)
        subprocess.run([self.folder / "make-secrets", "localhost"], check=True, stdout=subprocess.DEVNULL)
        for name, value in {"database_url": database, "broker_url": redis + "/0", "cache_url": redis + "/1"}.items():
            path = self.folder / "secrets" / name
            path.unlink()
            path.write_text(value)

    def secret(self, name: str) -> str:
        return (self.folder / "secrets" / name).read_text()

    def environment(self, service: str) -> dict[str, str]:
        """What compose.yaml gives the service, with this machine's places."""
        given = {name: str(value) for name, value in composed()[service]["environment"].items()}
        given = {name: value.replace("/run/secrets", str(self.folder / "secrets")) for name, value in given.items()}
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            **given,
            "PARAKH_VAR": str(self.folder / "var"),
            "SITE_URL": self.url,
            "BIND": self._web,
            "PARAKH_ALLOW_UNSAFE_HOST": os.environ.get("PARAKH_ALLOW_UNSAFE_HOST", ""),
            "PARAKH_LEASE_SECONDS": "4",
            "PARAKH_REAP_SECONDS": "1",
            **self._given,
        }

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command in the environment of the web service."""
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment("web"), capture_output=True, text=True, check=False, timeout=120
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def manage(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("python", "manage.py", *words, check=check)

    def set_up(self) -> None:
        """The service that ends before the others begin."""
        self.run(*composed()["set-up"]["command"])

    def start(self, service: str) -> subprocess.Popen[bytes]:
        """The service's own command."""
        return self._popen(service, composed()[service]["command"], self.environment(service))

    def start_web_beside(self) -> str:
        """Another site, of a new version as it were, on another port. Returns its name among the processes."""
        self._web = f"127.0.0.1:{free_port()}"
        self._popen("web-beside", composed()["web"]["command"], self.environment("web"))
        return "web-beside"

    def start_nginx(self) -> None:
        """nginx as its image would start it."""
        self.write_nginx_conf()
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        subprocess.run([nginx, "-t", "-q", "-c", str(self.folder / "nginx.conf")], check=True)
        self._popen("nginx", [nginx, "-c", str(self.folder / "nginx.conf")], dict(os.environ))

    def write_nginx_conf(self) -> None:
        """The configuration that the image would make of the template, in a main file like the image's."""
        names = composed()["nginx"]["environment"]
        values = {
            name: str(value).replace("/run/secrets", str(self.folder / "secrets")) for name, value in names.items()
        }
        values |= {
            **self._ports,
            "WEB": self._web,
            "SITE_URL": self.url,
            "MOST_UPLOAD": "8g",
            "TLS_CERTIFICATE": str(self.folder / "secrets/tls.crt"),
            "TLS_KEY": str(self.folder / "secrets/tls.key"),
        }
        wanted = re.compile(names["NGINX_ENVSUBST_FILTER"].replace("$$", "$"))
        text = (DEPLOY / "nginx.conf").read_text()
        for name in filter(wanted.search, values):
            text = text.replace("${" + name + "}", values[name])
        assert "${" not in text, "a variable that compose.yaml does not give"
        (self.folder / "site.conf").write_text(text.replace("/dev/stdout", str(self.log / "access.json")))
        (self.folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {self.folder}/nginx.pid; error_log {self.log}/nginx-error.log;\n"
            "events {}\nhttp { include /etc/nginx/mime.types; "
            + "".join(
                f"{kind}_temp_path {self.folder}/nginx-{kind}; "
                for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            )
            + f"include {self.folder}/site.conf; }}\n"
        )
        if os.geteuid() == 0:
            self.folder.chmod(0o755)  # Its workers are another user, and write bodies here.

    def _popen(self, service: str, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.log / f"{service}.log").open("ab") as log:
            self.processes[service] = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        return self.processes[service]

    def text(self, service: str) -> str:
        return (self.log / f"{service}.log").read_text(errors="replace")

    def opener(self) -> urllib.request.OpenerDirector:
        """Trusts the certificate that make-secrets has made, and no other; keeps cookies."""
        trust = ssl.create_default_context(cafile=str(self.folder / "secrets/tls.crt"))
        return urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=trust), urllib.request.HTTPCookieProcessor()
        )

    def is_ready(self, without: str = "") -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.web_url}/readyz?exclude={without}") as answer:
            return bool(answer.status == 200)
        return False

    def healthcheck(self, service: str) -> int:
        """What the container's health check would say."""
        command = composed()[service]["healthcheck"]["test"]
        assert command[0] == "CMD"
        return subprocess.run(command[1:], cwd=ROOT, env=self.environment(service), check=False).returncode

    def end(self, service: str, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends one, by its id, with all its children if by SIGKILL."""
        process = self.processes.pop(service)
        if process.poll() is None:
            (os.killpg if how is signal.SIGKILL else os.kill)(process.pid, how)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def end_all(self) -> None:
        for service in list(self.processes):
            self.end(service)


@contextlib.contextmanager
def stack(folder: Path, **given: str) -> Iterator[Stack]:
    """PostgreSQL and Redis are up; the rest is the caller's to start. What they said is printed at the end."""
    with services.postgresql() as database, services.redis(folder / "redis") as redis:
        made = Stack(folder, database, redis.rpartition("/")[0], **given)
        try:
            yield made
        finally:
            made.end_all()
            for log in sorted(made.log.iterdir()):
                print(f"--- {log.name}", log.read_text(errors="replace")[-4000:], sep="\n")


def web_is_up(made: Stack) -> None:
    until(lambda: made.healthcheck("web") == 0, 30, "the site answers")
