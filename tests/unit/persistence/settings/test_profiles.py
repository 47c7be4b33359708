"""Profiles: files of settings, of which one is chosen by its name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from questline_persistence.errors import ConfigurationError
from questline_persistence.settings import load, origins, sources


@pytest.fixture
def profile(folder: Path) -> Callable[[str, str], Path]:
    """A function that writes a profile."""

    def write(name: str, text: str) -> Path:
        (folder / "profiles").mkdir(exist_ok=True)
        file = folder / "profiles" / f"{name}.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


Write = Callable[[str, str], Path]


def test_a_profile_holds_what_questline_toml_may_hold(profile: Write) -> None:
    profile(
        "prod",
        """
        database_url: postgresql://db.internal/quests
        lords: [billing.lords, mail.lords]
        queues: fast, slow
        worker_threads: 3
        lease_seconds: 20
        auto_migrate: true
        code_version: 2026-11-30
        """,
    )

    chosen = load(profile="prod")

    assert (chosen.profile, chosen.database_url) == ("prod", "postgresql://db.internal/quests")
    assert (chosen.lords, chosen.queues) == (("billing.lords", "mail.lords"), ("fast", "slow"))
    assert (chosen.worker_threads, chosen.lease_seconds, chosen.auto_migrate) == (3, 20.0, True)
    assert chosen.code_version == "2026-11-30"


def test_no_profile_counts_that_is_not_named(profile: Write) -> None:
    profile("default", "namespace: other")

    assert (load().profile, load().namespace) == ("", "default")


def test_every_source_may_name_the_profile_and_the_first_one_does(
    profile: Write, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("project", "toml", "dotenv", "secret", "environment", "flag"):
        profile(name, f"namespace: of-{name}")

    (folder / "pyproject.toml").write_text('[tool.questline]\nprofile = "project"\n')
    assert load().namespace == "of-project"
    (folder / "questline.toml").write_text('profile = "toml"\n')
    assert load().namespace == "of-toml"
    (folder / ".env").write_text("QUESTLINE_PROFILE=dotenv\n")
    assert load().namespace == "of-dotenv"
    (folder / "name").write_text("secret\n")
    monkeypatch.setenv("QUESTLINE_PROFILE_FILE", "name")
    assert load().namespace == "of-secret"
    monkeypatch.setenv("QUESTLINE_PROFILE", "environment")
    assert load().namespace == "of-environment"
    assert load(profile="flag").namespace == "of-flag"
    assert (load(profile="").profile, load(profile="").namespace) == ("", "default")


def test_where_a_value_stands_is_told_by_the_profile_s_file(profile: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    profile("dev", "worker_threads: 3\nnamespace: dev\nbroker_url:\n")
    monkeypatch.setenv("QUESTLINE_PROFILE", "dev")
    monkeypatch.setenv("QUESTLINE_NAMESPACE", "mine")

    found = origins()

    assert (found["profile"], found["worker_threads"]) == ("QUESTLINE_PROFILE", "profiles/dev.yaml")
    assert (found["namespace"], found["broker_url"]) == ("QUESTLINE_NAMESPACE", "default")
    assert origins(profile="dev")["profile"] == "--profile"


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "namespace:\nlords: null\n"])
def test_a_key_without_a_value_counts_as_left_out(profile: Write, text: str) -> None:
    profile("dev", text)

    assert (load(profile="dev").namespace, load(profile="dev").lords) == ("default", ())


@pytest.mark.parametrize("name", ["pord", "../questline", "prod.yaml", "Prod/", "*"])
def test_an_unknown_profile_lists_those_that_there_are(profile: Write, folder: Path, name: str) -> None:
    for known in ("prod", "dev"):
        profile(known, "")
    (folder / "questline.yaml").write_text("")

    with pytest.raises(ConfigurationError, match="there is no profile") as refused:
        load(profile=name)
    assert str(refused.value.hint).endswith("there are: dev, prod")


def test_the_first_profile_that_is_named_learns_where_to_stand() -> None:
    with pytest.raises(ConfigurationError, match="there is no profile 'dev'") as refused:
        load(profile="dev")
    assert refused.value.hint == (
        "a profile is a file profiles/NAME.yaml in the working directory, and there is none yet"
    )


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("worker_thread: 3", "profiles/dev.yaml: unknown key 'worker_thread'", "did you mean 'worker_threads'?"),
        ("7: x", "profiles/dev.yaml: unknown key 7", "known keys: "),
        ("profile: prod", "profiles/dev.yaml: a profile cannot name another one", "delete its key 'profile'"),
        ("[a, b]", "profiles/dev.yaml is no table", "write the name and the value of a setting on each line"),
        ("worker_threads: x", "profiles/dev.yaml: worker_threads: ", "worker_threads: "),
        ("namespace: 12", "profiles/dev.yaml: namespace: ", "namespace: "),
        ("lease_seconds: 1", "lease_seconds must be at least twice heartbeat_seconds", "None"),
        ("a: secret: x", "cannot read profiles/dev.yaml: mapping values are not allowed", "None"),
        ("a: !!python/name:os.system", "cannot read profiles/dev.yaml: could not determine a constructor", "None"),
    ],
)
def test_what_is_wrong_in_a_profile_names_its_file(profile: Write, text: str, message: str, hint: str) -> None:
    profile("dev", text)

    with pytest.raises(ConfigurationError) as refused:
        load(profile="dev")
    assert refused.value.message.startswith(message)
    assert str(refused.value.hint).startswith(hint)
    assert "secret" not in refused.value.message


def _to_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("spoil", [lambda file: file.write_bytes(b"namespace: \xff"), _to_folder])
def test_a_profile_that_cannot_be_read_is_named(profile: Write, spoil: Callable[[Path], object]) -> None:
    spoil(profile("dev", ""))

    with pytest.raises(ConfigurationError, match=r"^cannot read profiles/dev\.yaml: "):
        load(profile="dev")


def test_no_variable_is_put_into_a_profile(profile: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "hidden")
    profile("dev", "database_url: postgresql://me:${PASSWORD}@db/quests")

    assert load(profile="dev").database_url == "postgresql://me:${PASSWORD}@db/quests"


def test_a_secret_is_read_once_though_it_might_name_a_profile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "url").write_text("sqlite:///x.db")
    monkeypatch.setenv("QUESTLINE_DATABASE_URL_FILE", "url")
    read: list[str] = []
    original = sources.read_secret
    monkeypatch.setattr(sources, "read_secret", lambda path: [read.append(path), original(path)][1])

    assert load().database_url == "sqlite:///x.db"
    assert read == ["url"]
