"""The files of deploy/ are sound and say the same as the documentation."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.stack import DEPLOY, ROOT, composed

OURS = ("set-up", "web", "worker", "beat")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """deploy/ as an operator has it after the first two commands."""
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns(".env", "secrets", "data"))
    shutil.copy(DEPLOY / "env.example", tmp_path / "deploy" / ".env")
    subprocess.run([tmp_path / "deploy" / "make-secrets"], check=True)
    return tmp_path / "deploy"


def test_docker_compose_takes_the_file(copied: Path) -> None:
    """The plugin where there is one; else Debian's docker-compose, which checks against the Compose specification."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    command = ["docker", "compose"] if plugin else [shutil.which("docker-compose") or pytest.fail("no docker-compose")]
    done = subprocess.run([*command, "config"], cwd=copied, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    merged = yaml.safe_load(done.stdout)["services"]
    assert set(merged) == {*OURS, "nginx", "postgres", "redis"}
    assert merged["worker"]["environment"]["PARAKH_HOST_NAME"] == "host-1"
    assert merged["nginx"]["environment"]["SITE_URL"] == "https://parakh.example.org"


@pytest.mark.parametrize("name", [*OURS, "nginx", "postgres", "redis"])
def test_every_service_has_bounds(name: str) -> None:
    service = composed()[name]
    assert service["restart"]
    assert service["mem_limit"]
    assert service["logging"]["options"] == {"max-size": "20m", "max-file": "5"}
    assert service["healthcheck"]


@pytest.mark.parametrize("name", OURS)
def test_ours_may_do_little(name: str) -> None:
    service = composed()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    sockets = [volume for volume in service["volumes"] if "docker.sock" in volume]
    assert bool(sockets) == (name == "worker")


def test_only_nginx_is_reached_from_outside() -> None:
    assert [name for name, service in composed().items() if "ports" in service] == ["nginx"]
    networks = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["networks"]
    assert networks["inside"] == {"internal": True}
    assert composed()["postgres"]["networks"] == composed()["redis"]["networks"] == ["inside"]


def settings_read() -> set[str]:
    """Every variable that the site reads."""
    text = (ROOT / "challenge/settings.py").read_text() + (ROOT / "deploy/gunicorn.conf.py").read_text()
    return set(re.findall(r'(?:\benv(?:_bool|_list)?\(|environ\.get\()"([A-Z_]+)"', text))


def test_every_variable_has_a_line_in_the_example_and_a_row_in_the_documentation() -> None:
    example = set(re.findall(r"^#?([A-Z_]+)=", (DEPLOY / "env.example").read_text(), re.M))
    example = {name.removesuffix("_FILE") for name in example}
    documented = set(re.findall(r"`([A-Z_]+)`", (ROOT / "docs/operators.md").read_text()))
    assert len(settings_read()) > 40
    assert settings_read() - example == set()
    assert settings_read() - documented == set()


def test_secrets_are_drawn_once(copied: Path) -> None:
    drawn = {path.name: path.read_text() for path in (copied / "secrets").iterdir()}
    subprocess.run([copied / "make-secrets"], check=True)
    assert {path.name: path.read_text() for path in (copied / "secrets").iterdir()} == drawn
    assert (copied / "secrets").stat().st_mode & 0o777 == 0o700
    assert len(drawn["secret_key"]) == 64
    assert drawn["postgres_password"] in drawn["database_url"]
    assert set(drawn) >= {
        Path(one["file"]).name for one in yaml.safe_load((DEPLOY / "compose.yaml").read_text())["secrets"].values()
    }


def test_the_image_holds_what_it_runs_and_no_more() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.M)
    wanted = {name for line in copied for name in line.split()}
    assert all((ROOT / name).exists() for name in wanted)
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert wanted == {line.removeprefix("!") for line in ignored if line.startswith("!")}


def test_nginx_names_each_variable_that_compose_gives() -> None:
    given = set(composed()["nginx"]["environment"]) - {"NGINX_ENVSUBST_FILTER"}
    used = set(re.findall(r"\$\{([A-Z_]+)\}", (DEPLOY / "nginx.conf").read_text()))
    assert used == given, json.dumps(sorted(used ^ given))
