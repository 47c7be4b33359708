import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from questline_persistence.errors import ConfigurationError
from questline_persistence.settings import SettingsWarning, documented, load, origins


def test_the_defaults_need_no_server() -> None:
    settings = load()

    assert (settings.database_url, settings.broker_url) == ("sqlite:///.questline/questline.db", "memory://")
    assert (settings.namespace, settings.lords, settings.queues) == ("default", (), ("default",))
    assert (settings.heartbeat_seconds, settings.lease_seconds) == (2.0, 10.0)


def test_a_flag_beats_the_environment_beats_the_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = folder / "secret"
    sources: list[tuple[str, Callable[[], object]]] = [
        ("pyproject", lambda: (folder / "pyproject.toml").write_text('[tool.questline]\nnamespace = "pyproject"\n')),
        ("toml", lambda: (folder / "questline.toml").write_text('namespace = "toml"\n')),
        ("profile", lambda: _name_profile(folder)),
        ("dotenv", lambda: (folder / ".env").write_text("QUESTLINE_NAMESPACE=dotenv\nOTHER=1\n")),
        ("file", lambda: (secret.write_text("file\n"), monkeypatch.setenv("QUESTLINE_NAMESPACE_FILE", str(secret)))),
        ("environment", lambda: monkeypatch.setenv("QUESTLINE_NAMESPACE", "environment")),
    ]
    for name, write in sources:
        write()
        assert load(namespace=None).namespace == name
    assert load(namespace="flag").namespace == "flag"


def _name_profile(folder: Path) -> None:
    (folder / "profiles").mkdir()
    (folder / "profiles" / "mine.yaml").write_text("namespace: profile\n")
    (folder / "questline.toml").write_text('namespace = "toml"\nprofile = "mine"\n')


def test_the_names_of_other_tools_are_the_last_resort(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://other/db")
    monkeypatch.setenv("REDIS_URL", "redis://other")
    assert (load().database_url, load().broker_url) == ("postgresql://other/db", "redis://other")

    (folder / "questline.toml").write_text('database_url = "sqlite:///own.db"\n')
    assert load().database_url == "sqlite:///own.db"


def test_the_names_of_other_tools_count_in_the_file_of_the_environment_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("DATABASE_URL=postgresql://file/db\nREDIS_URL=redis://file\nDEBUG=1\n")
    assert (load().database_url, load().broker_url) == ("postgresql://file/db", "redis://file")
    assert origins()["broker_url"] == ".env: REDIS_URL"

    monkeypatch.setenv("REDIS_URL", "redis://environment")
    assert (load().broker_url, origins()["broker_url"]) == ("redis://environment", "REDIS_URL")


def test_what_is_wrong_is_named_as_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"^queues: no queue is named"):
        load(queues="")
    monkeypatch.setenv("QUESTLINE_QUEUES", ",")
    with pytest.raises(ConfigurationError, match=r"^QUESTLINE_QUEUES: no queue is named"):
        load()


def test_a_secret_is_read_from_its_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "url").write_text("postgresql://u:p@h/db\n")
    monkeypatch.setenv("QUESTLINE_DATABASE_URL_FILE", str(folder / "url"))

    assert load().database_url == "postgresql://u:p@h/db"


def test_a_secret_whose_file_is_missing_is_an_error_that_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTLINE_DATABASE_URL_FILE", "/no/such/file")

    with pytest.raises(ConfigurationError, match="QUESTLINE_DATABASE_URL_FILE: cannot read /no/such/file"):
        load()


def test_a_secret_that_is_not_utf_8_is_an_error_that_repeats_nothing_of_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "url").write_bytes(b"postgresql://u:p\xe4ssword@h/db")
    monkeypatch.setenv("QUESTLINE_DATABASE_URL_FILE", str(folder / "url"))

    with pytest.raises(ConfigurationError, match=r"QUESTLINE_DATABASE_URL_FILE.* is not UTF-8") as caught:
        load()
    assert "ssword" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("file", "text"),
    [("questline.toml", "worker_thread = 3\n"), ("pyproject.toml", "[tool.questline]\nworker_thread = 3\n")],
)
def test_an_unknown_key_in_a_file_names_the_nearest(folder: Path, file: str, text: str) -> None:
    (folder / file).write_text(text)

    with pytest.raises(ConfigurationError, match=f"{file}.*unknown key 'worker_thread'") as caught:
        load()
    assert caught.value.hint == "did you mean 'worker_threads'?"


def test_an_unknown_key_that_is_like_no_other_lists_them_all(folder: Path) -> None:
    (folder / "questline.toml").write_text("zzz = 3\n")

    with pytest.raises(ConfigurationError) as caught:
        load()
    assert "database_url" in str(caught.value.hint)


def test_a_project_without_settings_of_ours_is_no_error(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.other]\nx = 1\n')

    assert load().namespace == "default"


@pytest.mark.parametrize("text", ["= broken", "\xff"])
def test_a_file_that_cannot_be_read_is_named(folder: Path, text: str) -> None:
    (folder / "questline.toml").write_text(text, encoding="latin-1")

    with pytest.raises(ConfigurationError, match=r"cannot read questline\.toml"):
        load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKER_THREADS", "none"),
        ("WORKER_THREADS", "0"),
        ("MAX_ASYNC", "0"),
        ("MAX_ASYNC", "100001"),
        ("WORKER_PROCESSES", "-1"),
        ("LEASE_SECONDS", "0"),
        ("HEARTBEAT_SECONDS", "soon"),
        ("NAMESPACE", "a b"),
        ("NAMESPACE", "x" * 64),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "loud"),
        ("AUTO_MIGRATE", "perhaps"),
        ("POOL_SIZE", "0"),
        ("POOL_SIZE", "many"),
        ("POOL_OVERFLOW", "-1"),
        ("POOL_WAIT_SECONDS", "-1"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"QUESTLINE_{name}", value)

    with pytest.raises(ConfigurationError, match=f"QUESTLINE_{name}: ") as caught:
        load()
    assert name.lower() in str(caught.value.hint)


def test_words_are_separated_by_commas_or_given_as_a_list(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "questline.toml").write_text('lords = ["a", "b.c"]\n')
    monkeypatch.setenv("QUESTLINE_QUEUES", " fast, slow ,")

    settings = load()
    assert (settings.lords, settings.queues) == (("a", "b.c"), ("fast", "slow"))


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTLINE_NAMESPACE", "")
    monkeypatch.setenv("DATABASE_URL", "")

    assert (load().namespace, load().database_url) == ("default", "sqlite:///.questline/questline.db")


def test_the_level_of_the_log_may_be_written_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTLINE_LOG_LEVEL", "WARNING")

    assert load().log_level == "warning"


def test_every_setting_is_documented() -> None:
    for name, default, meaning in documented():
        assert name.startswith("QUESTLINE_")
        assert meaning, name
        assert isinstance(default, str)


@pytest.mark.parametrize(
    ("text", "unknown", "hint"),
    [
        ("QUESTLINE_NAMESPAC=x\n", "QUESTLINE_NAMESPAC", "did you mean 'QUESTLINE_NAMESPACE'?"),
        ("questline_lease_second=3\n", "QUESTLINE_LEASE_SECOND", "did you mean 'QUESTLINE_LEASE_SECONDS'?"),
    ],
)
def test_an_unknown_variable_in_the_dotenv_file_names_the_nearest(
    folder: Path, text: str, unknown: str, hint: str
) -> None:
    (folder / ".env").write_text(text)

    with pytest.raises(ConfigurationError, match=rf"\.env: unknown key '{unknown}'") as caught:
        load()
    assert caught.value.hint == hint


def test_the_dotenv_file_may_hold_what_other_programs_read(folder: Path) -> None:
    (folder / ".env").write_text("QUESTLINE_TEST_PG_URL=x\nOPENAI_API_KEY=y\nMY_QUESTLINE_THING=z\n")

    assert load().namespace == "default"


def test_a_misspelt_variable_is_warned_of_once_and_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("questline_persistence.settings.loading._WARNED", set())
    monkeypatch.setenv("QUESTLINE_LEASE_SECOND", "3")

    with pytest.warns(SettingsWarning, match=r"QUESTLINE_LEASE_SECOND .* did you mean 'QUESTLINE_LEASE_SECONDS'\?"):
        load()
    load()  # a second warning would be an error


@pytest.mark.parametrize(
    "variable",
    [
        "QUESTLINE_TEST_PG_URL",
        "QUESTLINE_DATABASE_URL_FILE",
        "QUESTLINE_SERVICE_HOST",
        "QUESTLINE_SERVICE_PORT_HTTP",
        "QUESTLINE_PORT",
        "QUESTLINE_PORT_8080_TCP_ADDR",
        "QUESTLINE_GATEWAY_SERVICE_HOST",
    ],
)
def test_what_kubernetes_or_a_secret_sets_is_not_warned_of(
    monkeypatch: pytest.MonkeyPatch, folder: Path, variable: str
) -> None:
    monkeypatch.setattr("questline_persistence.settings.loading._WARNED", set())
    (folder / "url").write_text("sqlite:///x.db")
    monkeypatch.setenv(variable, "url")

    assert load().namespace == "default"


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        ("questline.toml", 'lease_seconds = "x"\n', "questline.toml: lease_seconds: "),
        ("pyproject.toml", '[tool.questline]\nlease_seconds = "x"\n', "[tool.questline] of pyproject.toml: lease_sec"),
        ("pyproject.toml", "[tool]\nquestline = 3\n", "[tool.questline] of pyproject.toml is no table"),
        (".env", "QUESTLINE_LEASE_SECONDS=x\n", ".env: QUESTLINE_LEASE_SECONDS: "),
    ],
)
def test_a_wrong_value_in_a_file_names_the_file(folder: Path, file: str, text: str, place: str) -> None:
    (folder / file).write_text(text)

    with pytest.raises(ConfigurationError) as caught:
        load()
    assert caught.value.message.startswith(place)


def test_settings_that_do_not_go_together_say_so_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTLINE_HEARTBEAT_SECONDS", "9")

    with pytest.raises(ConfigurationError, match=r"^lease_seconds must be at least twice heartbeat_seconds"):
        load()


def test_files_are_utf_8_whatever_the_locale(folder: Path) -> None:
    (folder / "questline.toml").write_bytes('database_url = "sqlite:///Žofie.db"\n'.encode())
    (folder / ".env").write_bytes("QUESTLINE_BROKER_URL=redis://žofie@localhost\n".encode())
    (folder / "lords").write_bytes("žofie".encode())
    program = (
        "from questline_persistence.settings import load\n"
        "found = load()\n"
        "print(ascii((found.database_url, found.broker_url, found.lords)))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "QUESTLINE_LORDS_FILE": "lords"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == ascii(("sqlite:///Žofie.db", "redis://žofie@localhost", ("žofie",)))


@pytest.mark.parametrize("queues", ["a b", "default;mail", "a,-b", "x" * 101])
def test_what_no_queue_can_be_called_is_refused(queues: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUESTLINE_QUEUES", queues)
    with pytest.raises(ConfigurationError, match="cannot be a queue's name; separate several by commas"):
        load()
