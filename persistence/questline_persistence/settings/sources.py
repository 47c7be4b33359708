"""Where the values of settings stand: files of secrets, `.env`, TOML, and the names that other tools use.

Each source knows all of its values at once, and refuses a key that is no setting.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic_settings import DotEnvSettingsSource, PydanticBaseSettingsSource

from questline_persistence.errors import ConfigurationError, suggestion
from questline_persistence.secret_files import read_secret

#: Names that other tools use for the same thing, taken when ours is not set.
FALLBACKS = {"database_url": "DATABASE_URL", "broker_url": "REDIS_URL"}
#: The files in the working directory that may hold settings, as messages name them.
DOTENV, OWN_FILE, PROJECT_TABLE = ".env", "questline.toml", "[tool.questline] of pyproject.toml"
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
        return self.values().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the settings that this source holds."""
        return self.values()

    def values(self) -> dict[str, Any]:
        """Return the settings that this source holds."""
        raise NotImplementedError


class SecretFiles(_Source):
    """`QUESTLINE_X_FILE` names a file that holds the value of `QUESTLINE_X`, as container secrets do."""

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

    def values(self) -> dict[str, Any]:
        """Return the settings of the first of these files that there is.

        Raises:
          ConfigurationError: it cannot be read, or has a key that is no setting.
        """
        own, project = Path(OWN_FILE), Path("pyproject.toml")
        if own.is_file():
            return self._checked(_read(own), own.name)
        if project.is_file():
            tool = _read(project).get("tool", {})
            return self._checked(tool.get("questline", {}) if isinstance(tool, dict) else {}, PROJECT_TABLE)
        return {}

    def _checked(self, values: Any, where: str) -> dict[str, Any]:
        if not isinstance(values, dict):
            raise ConfigurationError(f"{where} is no table", hint="write [tool.questline], and a setting on each line")
        known = self.settings_cls.model_fields
        for key in values:
            if key not in known:
                raise ConfigurationError(f"{where}: unknown key {key!r}", hint=suggestion(key, known, kind="keys"))
        return values


class Fallbacks(_Source):
    """The names that other tools use, in the environment and in `.env`."""

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


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"cannot read {path.name}: {error}") from error
