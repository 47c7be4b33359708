"""The image and the compose file name commands, options and settings that exist."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any

import pytest
import typer
import yaml

from questline.cli.app import app
from questline_persistence.settings import documented
from tests.acceptance.docs.pages import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}
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


def test_every_service_runs_a_command_that_exists() -> None:
    assert set(OURS) == {"migrate", "scheduler", "worker"}
    for service in OURS.values():
        assert exists(service["command"]), service["command"]
    assert 'ENTRYPOINT ["questline"]' in DOCKERFILE
    assert 'CMD ["worker"]' in DOCKERFILE


def test_every_health_check_is_a_command_that_exists() -> None:
    for words in health_checks():
        assert words[0] == "questline"
        assert exists(words[1:]), words


def test_every_setting_that_is_given_exists() -> None:
    known = {name for name, _, _ in documented()}
    given = {name for service in OURS.values() for name in service["environment"]}
    given |= set(re.findall(r"QUESTLINE_\w+", DOCKERFILE))

    assert given
    assert given <= known


def test_a_worker_gets_longer_to_stop_than_its_steps() -> None:
    shutdown = next(float(default) for name, default, _ in documented() if name == "QUESTLINE_SHUTDOWN_SECONDS")

    for service in OURS.values():
        assert float(service["stop_grace_period"].removesuffix("s")) >= shutdown + 15


@pytest.mark.parametrize("needed", ["README.md", "LICENSE", "pyproject.toml", "examples/codebase_review"])
def test_what_the_wheel_is_built_from_is_in_the_image_s_build(needed: str) -> None:
    kept = [line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]

    assert any(fnmatch(needed, pattern) for pattern in kept)
    assert (ROOT / needed).exists()
