"""Files for deployment, in the repository or shown in a how-to, name commands, options and settings that exist."""

import re
import shlex
from collections.abc import Iterator
from configparser import RawConfigParser
from fnmatch import fnmatch
from typing import Any

import pytest
import typer
import yaml

from questline.cli.app import app
from questline.cli.exit_codes import ExitCode
from questline_gateway.server import refuse_open_door
from questline_persistence.errors import ConfigurationError
from questline_persistence.settings import documented, load
from tests.acceptance.docs.pages import ROOT, Block, blocks

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}
SHUTDOWN = next(float(default) for name, default, _ in documented() if name == "QUESTLINE_SHUTDOWN_SECONDS")
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def exists(words: list[str]) -> bool:
    """Return whether `words` are a command of questline, without further arguments."""
    command: Any = typer.main.get_command(app)
    for word in words:
        command = getattr(command, "commands", {}).get(word)
    return command is not None and not hasattr(command, "commands")


def health_checks() -> Iterator[list[str]]:
    """Yield the health checks of our services and of the image, as words."""
    for service in OURS.values():
        check = service.get("healthcheck", {})
        if "test" in check:
            yield check["test"][1:]
    found = re.search(r"HEALTHCHECK .*CMD (\[.*\])", DOCKERFILE)
    assert found is not None
    yield yaml.safe_load(found[1])


def shown(page: str, language: str) -> list[Block]:
    """Return the blocks of a how-to in a language."""
    return [block for block in blocks(ROOT / "docs/how-to" / f"{page}.md") if block.language == language]


def unit() -> dict[str, str]:
    """Return what the systemd unit that is shown says of the service."""
    (block,) = shown("run-under-systemd", "ini")
    parser = RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys as they are written
    parser.read_string(block.text)
    return dict(parser["Service"])


def test_every_service_runs_a_command_that_exists() -> None:
    assert set(OURS) == {"migrate", "scheduler", "worker", "gateway"}
    for service in OURS.values():
        assert exists(service["command"]), service["command"]
    assert 'ENTRYPOINT ["questline"]' in DOCKERFILE
    assert 'CMD ["worker"]' in DOCKERFILE


def test_every_health_check_is_a_command_that_exists() -> None:
    for words in health_checks():
        assert words[0] == "questline"
        assert exists([word for word in words[1:] if not word.startswith("-")]), words


def test_every_setting_that_is_given_exists() -> None:
    known = {name for name, _, _ in documented()}
    given = {name for service in OURS.values() for name in service["environment"]}
    given |= set(re.findall(r"QUESTLINE_\w+", DOCKERFILE))

    assert given
    assert given <= known


def test_the_gateway_of_compose_is_asked_where_it_serves_and_is_for_this_machine_alone() -> None:
    """And it asks for a key: an address beyond the container's own is not served without one."""
    gateway = OURS["gateway"]
    given = gateway["environment"]

    assert given["QUESTLINE_HTTP_PORT"] == given["QUESTLINE_HEALTH_PORT"]
    assert [port.split(":")[0] for port in gateway["ports"]] == ["127.0.0.1"]
    assert gateway["ports"][0].rpartition(":")[2] == given["QUESTLINE_HTTP_PORT"]
    assert "--insecure" not in gateway["command"]
    with pytest.raises(ConfigurationError, match="everybody"):
        refuse_open_door(load(http_host=given["QUESTLINE_HTTP_HOST"]), guarded=False, insecure=False)


def test_a_worker_gets_longer_to_stop_than_its_steps() -> None:
    for service in OURS.values():
        assert float(service["stop_grace_period"].removesuffix("s")) >= SHUTDOWN + 15
    assert float(unit()["TimeoutStopSec"]) >= SHUTDOWN + 10


def test_the_unit_runs_a_command_that_exists_and_gives_up_where_starting_again_is_no_use() -> None:
    program, *words = shlex.split(unit()["ExecStart"])

    assert program.endswith("/questline")
    assert exists(words[:1])
    assert {int(code) for code in unit()["RestartPreventExitStatus"].split()} == {
        ExitCode.USAGE,
        ExitCode.CONFIGURATION,
    }


@pytest.mark.parametrize("needed", ["README.md", "LICENSE", "pyproject.toml", "examples/codebase_review"])
def test_what_the_wheel_is_built_from_is_in_the_image_s_build(needed: str) -> None:
    kept = [line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]

    assert any(fnmatch(needed, pattern) for pattern in kept)
    assert (ROOT / needed).exists()


def test_the_containers_that_are_shown_run_commands_that_exist_and_get_time_to_stop() -> None:
    compose, deployment = (yaml.safe_load(block.text) for block in shown("run-in-a-container", "yaml"))
    pod = deployment["spec"]["template"]["spec"]
    known = {name for name, _, _ in documented()}
    named = {variable["name"].removesuffix("_FILE") for variable in pod["containers"][0]["env"]}

    assert exists(compose["services"]["migrate"]["command"])
    assert exists(pod["containers"][0]["args"][:1])
    assert named <= known
    assert float(pod["terminationGracePeriodSeconds"]) >= SHUTDOWN + 10
    assert float(compose["services"]["worker"]["stop_grace_period"].removesuffix("s")) >= SHUTDOWN + 10
