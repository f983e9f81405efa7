"""deploy/Dockerfile, compose.yaml and haproxy.cfg. Docker does not run where these tests run, so the image's own steps
are taken in a folder, its result is started, and what the files name is looked up.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from packaging.requirements import Requirement

from tests.cli.product import START_S, ask, command, environ, quickstart, started, until
from tests.house.code import ROOT
from tests.ports import free_port
from whimbrel import config, master_key
from whimbrel.base.limits import CARRIER_TEST_WAIT_MAX_S, SSE_PING_S, STOP_DEADLINE_S
from whimbrel.edges.rest.door import table

DEPLOY = ROOT / "deploy"


class Step(NamedTuple):
    """One instruction."""

    name: str
    value: str


def stages() -> list[list[Step]]:
    """The instructions of each stage: continuations joined, comments gone."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (DEPLOY / "Dockerfile").read_text("utf-8"))
    text = re.sub(r"\\\n\s*", "", text)
    found: list[list[Step]] = []
    for line in filter(None, text.splitlines()):
        step = Step(*line.split(" ", 1))
        if step.name == "FROM":
            found.append([])
        found[-1].append(step)
    return found


def values(steps: list[Step], name: str) -> list[str]:
    return [step.value for step in steps if step.name == name]


def given(steps: list[Step]) -> dict[str, str]:
    """What ENV sets."""
    return dict(word.split("=", 1) for value in values(steps, "ENV") for word in value.split())


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


# ---------------------------------------------------------------- the image


def test_the_image_is_made_of_what_the_repository_has():
    build, image = stages()
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for value in values(build, "COPY"):
        for source in value.split()[:-1]:
            assert (ROOT / source).exists()
            assert f"!{source.removeprefix('./')}" in ignored, f"{source} is not sent to the builder"
    assert values(image, "COPY") == ["--from=build /opt/whimbrel /opt/whimbrel"]
    assert "--require-hashes" in values(build, "RUN")[0]


def test_the_image_runs_as_nobody_in_particular_and_stops_gracefully():
    _, image = stages()
    assert values(image, "USER") == ["10001:10001"]
    assert values(image, "STOPSIGNAL") == ["SIGTERM"]
    names = [step.name for step in image]
    assert names.index("USER") > max(place for place, name in enumerate(names) if name == "RUN")
    for name in ("ENTRYPOINT", "CMD"):
        (command,) = values(image, name)
        assert json.loads(command), "the shell's form would take the signals"


def test_the_image_sets_what_there_is_to_set():
    _, image = stages()
    environment = given(image)
    settings = config.load(None, environment)
    assert settings.server.host == settings.smpp.host == "0.0.0.0"  # noqa: S104 - inside of a container
    assert values(image, "VOLUME") == [settings.server.data]
    (ports,) = values(image, "EXPOSE")
    assert {int(port) for port in ports.split()} == {settings.server.port, settings.smpp.port, settings.smpp.tls_port}
    assert master_key.CREDENTIALS_ENV in environment
    (check,) = values(image, "HEALTHCHECK")
    assert f":{settings.server.port}/healthz" in check


def runtime_packages(python: Path) -> set[str]:
    """Everything that whimbrel needs at run time, as installed there."""
    program = (
        "import json, importlib.metadata as m\n"
        "print(json.dumps({d.metadata['Name']: d.requires or [] for d in m.distributions()}))"
    )
    listed = json.loads(subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout)
    installed = {name.lower().replace("_", "-"): needs for name, needs in listed.items()}
    assert "whimbrel" in installed
    found, waiting = set(), ["whimbrel"]
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found or name not in installed:
            continue
        found.add(name)
        needs = [Requirement(line) for line in installed[name]]
        waiting += [each.name for each in needs if each.marker is None or each.marker.evaluate({"extra": ""})]
    assert set(installed) - found == set(), "what nothing needs at run time is left in the image"
    return found


@pytest.mark.ci
def test_its_steps_make_a_product_that_starts(tmp_path):
    """Every RUN of the build stage, with its two folders below `tmp_path`; then the entry point with its command."""
    build, image = stages()
    source, product = tmp_path / "src", tmp_path / "opt" / "whimbrel"
    source.mkdir()
    product.parent.mkdir()
    for step in build:
        if step.name == "COPY":
            *files, target = step.value.split()
            for file in files:
                copy(ROOT / file, (source / target).resolve(), whole=target.startswith("./" + file))
        elif step.name == "RUN":
            command = step.value.replace("/opt/whimbrel", str(product))
            command = command.replace("python -m venv", f"{sys.executable} -m venv")
            done = subprocess.run(["sh", "-ec", command], cwd=source, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
    assert runtime_packages(product / "bin" / "python") >= {"whimbrel", "asyncpg", "apsw", "uvicorn"}
    shutil.rmtree(source)  # the image has it no more
    environment = given(image) | {
        "WHIMBREL_SERVER__DATA": str(tmp_path / "data"),
        "WHIMBREL_SERVER__HOST": "127.0.0.1",
        "WHIMBREL_SERVER__PORT": "0",
        "WHIMBREL_SMPP__HOST": "127.0.0.1",
        "WHIMBREL_SMPP__PORT": "0",
    }
    environment["PATH"] = f"{product / 'bin'}:{os.environ['PATH']}"
    (entry,), (verb,) = (json.loads(values(image, name)[0]) for name in ("ENTRYPOINT", "CMD"))
    program = product / "bin" / entry
    made = subprocess.run([program, "migrate", "apply"], env=environ(**environment), capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    with started(tmp_path / "streams", program, verb, env=environment) as running:
        ready = until(lambda: re.search(r'"url": "(http://[^"]+)"', running.err), within_s=START_S, what="it listens")
        assert ask("GET", f"{ready[1]}/healthz").status == 200
        assert running.end() == 0


def copy(source: Path, target: Path, *, whole: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target / source.name if target.is_dir() else target)


# ---------------------------------------------------------------- compose


SERVICE_KEYS = {
    *("build", "cap_drop", "command", "depends_on", "environment", "healthcheck", "image", "logging", "ports"),
    *("profiles", "read_only", "restart", "secrets", "security_opt", "shm_size", "stop_grace_period", "tmpfs"),
    *("ulimits", "volumes"),
}
"""Of the Compose specification those that are used here: a misspelt one is refused by Compose, and found here."""

CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}


def test_compose_has_only_what_compose_knows(compose):
    assert set(compose) <= {"name", "services", "volumes", "secrets", "x-node"}
    for name, service in compose["services"].items():
        assert set(service) <= SERVICE_KEYS, name
        assert service["restart"] in {"no", "unless-stopped"}
        for port in service.get("ports", ()):
            assert re.fullmatch(r"(127\.0\.0\.1:)?\d+:\d+", port), f"{name}: {port}"


def test_what_compose_refers_to_is_there(compose):
    for name, service in compose["services"].items():
        needs = service.get("depends_on", [])
        conditions = needs.values() if isinstance(needs, dict) else []
        assert set(needs) <= set(compose["services"]), name
        assert {each["condition"] for each in conditions} <= CONDITIONS
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith("./") else source in compose["volumes"], volume
        for needed in needs if isinstance(needs, dict) else ():
            if needs[needed]["condition"] == "service_healthy":
                assert "test" in compose["services"][needed]["healthcheck"]
    build = compose["x-node"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).exists()


def test_the_nodes_are_given_settings_that_there_are(compose):
    _, image = stages()
    for name, service in compose["services"].items():
        if service["image"] != "whimbrel":
            continue
        environment = given(image) | service["environment"]
        filled = {key: re.sub(r"\$\{.*?\}", "secret", value) for key, value in environment.items()}
        config.load(None, filled)
        words = service.get("command", json.loads(values(image, "CMD")[0]))
        found = command()
        for word in words[: 2 if words[0] == "migrate" else 1]:
            found = found.commands[word]
        assert int(service["stop_grace_period"].removesuffix("s")) >= STOP_DEADLINE_S + 10, name
        assert master_key.FILE in service["secrets"] or name == "simulator"


def test_the_schema_is_there_before_a_node_starts(compose):
    nodes = [service for name, service in compose["services"].items() if name.startswith("node-")]
    assert len(nodes) == 2
    for node in nodes:
        assert node["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


# ---------------------------------------------------------------- the load balancer


def balancer() -> str:
    return (DEPLOY / "haproxy.cfg").read_text("utf-8")


def test_the_balancer_knows_the_nodes_and_asks_what_they_answer(compose):
    servers = dict(re.findall(r"(?m)^ +server (\S+) (\S+)$", balancer()))
    nodes = {name for name in compose["services"] if name.startswith("node-")}
    assert servers == {name: f"{name}:8080" for name in nodes}
    assert "httpchk GET /readyz" in balancer()
    assert {"/readyz", "/metrics"} <= {operation.path for operation in table(streams_per_account=1)}


def test_the_balancer_waits_longer_than_an_answer_takes():
    for side in ("client", "server"):
        found = re.search(rf"timeout {side} (\d+)s", balancer())
        assert found and int(found[1]) > max(CARRIER_TEST_WAIT_MAX_S, 2 * SSE_PING_S)


@pytest.mark.ci
def test_the_balancer_leads_to_the_node_that_is_ready(tmp_path):
    """haproxy itself, before one node that runs and one that does not."""
    port = free_port()
    with quickstart(tmp_path) as node:
        text = balancer().replace("bind :8080", f"bind 127.0.0.1:{port}")
        text = text.replace("node-1:8080", node.url.removeprefix("http://"))
        text = text.replace("node-2:8080", f"127.0.0.1:{free_port()}")
        file = tmp_path / "haproxy.cfg"
        file.write_text(text, "utf-8")
        with started(tmp_path / "streams", "haproxy", "-f", file) as running:
            until(
                lambda: "nodes/node-2 is DOWN" in running.out + running.err,
                within_s=START_S,
                what="node-2 is found to be down",
            )
            url = f"http://127.0.0.1:{port}"
            assert [ask("GET", f"{url}/healthz").status for _ in range(4)] == [200] * 4
            sent = ask("POST", f"{url}/v1/messages", {"to": "+15005550001", "text": "Hi"}, key=node.given["api_key"])
            assert sent.status == 202
            assert ask("GET", f"{url}/metrics").status == 403
