"""Where the values of settings stand: files of secrets, `.env`, profiles, TOML, and the names that other tools use.

Each source knows all of its values at once, and refuses a key that is no setting.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, PydanticBaseSettingsSource

from questline_persistence.errors import ConfigurationError, suggestion
from questline_persistence.payload import read_yaml
from questline_persistence.secret_files import read_secret

#: Names that other tools use for the same thing, taken when ours is not set.
FALLBACKS = {"database_url": "DATABASE_URL", "broker_url": "REDIS_URL"}
#: The files in the working directory that may hold settings, as messages name them.
DOTENV, OWN_FILE, PROJECT_TABLE = ".env", "questline.toml", "[tool.questline] of pyproject.toml"
#: The folder in the working directory that holds profiles, and the setting that names one.
PROFILES, PROFILE = "profiles", "profile"
PREFIX = "QUESTLINE_"
#: Variables with our prefix that are no settings: our tests', and what Kubernetes sets for a service called questline.
_NOT_OURS = re.compile(r"(TEST|SOAK)_\w+|(\w+_)?SERVICE_(HOST|PORT)(_\w+)?|(\w+_)?PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?")


def is_not_ours(name: str) -> bool:
    """Return whether a variable with our prefix is known to be somebody else's."""
    return _NOT_OURS.fullmatch(name.removeprefix(PREFIX)) is not None


def variable(name: str) -> str:
    """Return the variable that holds a setting."""
    return f"{PREFIX}{name.upper()}"


class _Source(PydanticBaseSettingsSource):
    """A source that knows all of its values at once."""

    def get_field_value(
        self,
        field: Any,  # noqa: ARG002  (the signature is pydantic-settings')
        field_name: str,
    ) -> tuple[Any, str, bool]:
        """Return a setting's value and name, and that the value is no JSON text; pydantic-settings asks."""
        return self.values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the settings that this source holds."""
        return self.values

    @cached_property
    def values(self) -> dict[str, Any]:
        """Return the settings that this source holds."""
        raise NotImplementedError


class SecretFiles(_Source):
    """`QUESTLINE_X_FILE` names a file that holds the value of `QUESTLINE_X`, as container secrets do."""

    @cached_property
    def values(self) -> dict[str, Any]:
        """Return the values of all files that are named.

        Raises:
          ConfigurationError: a file cannot be read, or is not UTF-8 text.
        """
        found = {}
        for name in self.settings_cls.model_fields:
            named = f"{variable(name)}_FILE"
            if path := os.environ.get(named):
                try:
                    found[name] = read_secret(path)
                except OSError as error:
                    raise ConfigurationError(f"{named}: cannot read {path}: {error.strerror}") from error
                except UnicodeDecodeError:  # which repeats what it holds
                    raise ConfigurationError(f"{named}: {path} is not UTF-8 text") from None
        return found


class DotEnv(DotEnvSettingsSource):
    """`.env` in the working directory, whose other variables are other programs'."""

    def __call__(self) -> dict[str, Any]:
        """Return the settings of the file.

        Raises:
          ConfigurationError: it has a key with our prefix that is no setting.
        """
        known = [variable(name) for name in self.settings_cls.model_fields]
        for key in self.env_vars:  # in lower case, as the names of settings
            name = key.upper()
            if name.startswith(PREFIX) and name not in known and not is_not_ours(name):
                hint = suggestion(name, known, kind="variables")
                raise ConfigurationError(f".env: unknown key {name!r}", hint=hint)
        return super().__call__()


class Toml(_Source):
    """`questline.toml`, or else `[tool.questline]` of `pyproject.toml`, in the working directory."""

    @cached_property
    def values(self) -> dict[str, Any]:
        """Return the settings of the first of these files that there is.

        Raises:
          ConfigurationError: it cannot be read, or has a key that is no setting.
        """
        own, project = Path(OWN_FILE), Path("pyproject.toml")
        if own.is_file():
            return _checked(_read(own, tomllib.loads), own.name, self.settings_cls.model_fields)
        if project.is_file():
            tool = _read(project, tomllib.loads).get("tool", {})
            values = tool.get("questline", {}) if isinstance(tool, dict) else {}
            return _checked(values, PROJECT_TABLE, self.settings_cls.model_fields)
        return {}


class Profile(_Source):
    """`profiles/NAME.yaml` in the working directory; the setting `profile`, as another source has it, is the name.

    Parameters:
      settings_cls: the settings.
      others: the sources that may name a profile; an earlier one beats the later ones.
    """

    def __init__(self, settings_cls: type[BaseSettings], others: Iterable[PydanticBaseSettingsSource]) -> None:
        super().__init__(settings_cls)
        self._others = others

    @cached_property
    def file(self) -> str | None:
        """The profile's file, if one is named.

        Raises:
          ConfigurationError: there is no such profile.
        """
        name = next((values[PROFILE] for values in (other() for other in self._others) if PROFILE in values), "")
        if name == "":
            return None
        there = sorted(file.stem for file in Path(PROFILES).glob("*.yaml"))
        if name not in there:
            known = f"; there are: {', '.join(there)}" if there else ", and there is none yet"
            hint = f"a profile is a file {PROFILES}/NAME.yaml in the working directory{known}"
            raise ConfigurationError(f"there is no profile {name!r}", hint=hint)
        return f"{PROFILES}/{name}.yaml"

    @cached_property
    def values(self) -> dict[str, Any]:
        """Return the settings of the profile, if one is named; a key without a value counts as left out.

        Raises:
          ConfigurationError: there is no such profile, it cannot be read, or it has a key that is no setting.
        """
        if self.file is None:
            return {}
        values = _read(Path(self.file), read_yaml)
        if isinstance(values, dict) and PROFILE in values:
            raise ConfigurationError(f"{self.file}: a profile cannot name another one", hint="delete its key 'profile'")
        values = _checked({} if values is None else values, self.file, self.settings_cls.model_fields)
        return {name: value for name, value in values.items() if value is not None}


class Fallbacks(_Source):
    """The names that other tools use, in the environment and in `.env`."""

    @cached_property
    def values(self) -> dict[str, Any]:
        """Return the settings whose other name has a value."""
        return {name: value for name, (value, _) in self.found().items()}

    def found(self) -> dict[str, tuple[str, str]]:
        """Return each value with the place where it stands, in words."""
        # Pydantic's own reading of the file, whose keys it writes in lower case.
        file = DotEnvSettingsSource(self.settings_cls).env_vars
        found: dict[str, tuple[str, str]] = {}
        for name, theirs in FALLBACKS.items():
            if value := os.environ.get(theirs):
                found[name] = value, theirs
            elif value := file.get(theirs.lower()):
                found[name] = value, f"{DOTENV}: {theirs}"
        return found


class Sources(NamedTuple):
    """All sources, each of which beats those after it."""

    given: PydanticBaseSettingsSource
    environment: PydanticBaseSettingsSource
    secret_files: SecretFiles
    dotenv: DotEnv
    profile: Profile
    toml: Toml
    fallbacks: Fallbacks

    @classmethod
    def of(cls, settings_cls: type[BaseSettings], given: PydanticBaseSettingsSource) -> Self:
        """Return the sources of these settings.

        Parameters:
          settings_cls: the settings.
          given: what whoever makes them says.
        """
        above = given, EnvSettingsSource(settings_cls), SecretFiles(settings_cls), DotEnv(settings_cls)
        toml = Toml(settings_cls)
        return cls(*above, Profile(settings_cls, (*above, toml)), toml, Fallbacks(settings_cls))


def _read(path: Path, form: Callable[[str], Any]) -> Any:
    try:
        return form(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # as both forms say, and what is no UTF-8
        raise ConfigurationError(f"cannot read {path}: {error}") from error


def _checked(values: Any, where: str, known: Iterable[str]) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ConfigurationError(f"{where} is no table", hint="write the name and the value of a setting on each line")
    for key in values:
        if key not in known:
            raise ConfigurationError(f"{where}: unknown key {key!r}", hint=suggestion(key, known, kind="keys"))
    return values
