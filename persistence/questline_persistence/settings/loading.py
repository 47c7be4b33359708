"""The settings of this process: read from all sources, each value with the place that it comes from."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import InitSettingsSource

from questline_persistence.errors import ConfigurationError, suggestion
from questline_persistence.settings.settings import Settings
from questline_persistence.settings.sources import (
    DOTENV,
    OWN_FILE,
    PREFIX,
    PROFILES,
    PROJECT_TABLE,
    Sources,
    is_not_ours,
    variable,
)

#: The unknown variables that this process has been warned of.
_WARNED: set[str] = set()


class SettingsWarning(UserWarning):
    """A variable of the environment looks like a setting, and is none."""


def load(**flags: Any) -> Settings:
    """Return the settings of this process; `flags` that are not None beat every other source.

    A variable that has our prefix and is no setting is warned of, once per process.

    Raises:
      ConfigurationError: a value is wrong, a file holds an unknown key, or there is no such profile.
    """
    _warn_of_strays()
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:
            raise ConfigurationError(reason) from None
        name = str(first["loc"][0])
        raise ConfigurationError(f"{_place(name, flags)}: {reason}", hint=_meaning(name)) from None


def _place(name: str, flags: dict[str, Any]) -> str:
    """Return where the value of a setting stands: the variable, or the key with the file that holds it."""
    origin = origins(**flags)[name]
    if origin.startswith("--"):  # given by whoever calls: as an option, or in Python
        return name
    if origin == DOTENV:
        return f"{origin}: {variable(name)}"
    in_file = origin in {OWN_FILE, PROJECT_TABLE} or origin.startswith(f"{PROFILES}/")
    return f"{origin}: {name}" if in_file else variable(name)


def _warn_of_strays() -> None:
    """Warn of what is probably a misspelt setting; the environment is shared, so that it is no error."""
    known = [variable(name) for name in Settings.model_fields]
    for name in sorted(os.environ):
        named = name.removesuffix("_FILE") in known or not name.startswith(PREFIX)
        if not named and not is_not_ours(name) and name not in _WARNED:
            _WARNED.add(name)
            hint = suggestion(name, known, kind="variables")
            warnings.warn(f"{name} in the environment is no setting; {hint}", SettingsWarning, stacklevel=3)


def origins(**flags: Any) -> dict[str, str]:
    """Return, for every setting, the place that its value comes from, in words.

    Raises:
      ConfigurationError: a file holds an unknown key, or cannot be read, or there is no such profile.
    """
    file = OWN_FILE if Path(OWN_FILE).is_file() else PROJECT_TABLE
    given = {name: value for name, value in flags.items() if value is not None}
    sources = Sources.of(Settings, InitSettingsSource(Settings, given))
    fallbacks = sources.fallbacks.found()
    places: list[tuple[Callable[[str], str], dict[str, Any]]] = [
        (lambda name: f"--{name.replace('_', '-')}", given),
        (variable, sources.environment()),
        (lambda name: f"{variable(name)}_FILE", sources.secret_files()),
        (lambda _: DOTENV, sources.dotenv()),
        (lambda _: str(sources.profile.file), sources.profile()),
        (lambda _: file, sources.toml()),
        (lambda name: fallbacks[name][1], fallbacks),
    ]
    return {
        name: next((place(name) for place, values in places if name in values), "default")
        for name in Settings.model_fields
    }


def _meaning(name: str) -> str | None:
    field = Settings.model_fields.get(name)
    return None if field is None else f"{name}: {field.description}"


def documented() -> list[tuple[str, str, str]]:
    """Return (environment variable, default, meaning) of every setting, for the documentation."""
    return [
        (variable(name), shown(field.default), field.description or "") for name, field in Settings.model_fields.items()
    ]


def shown(value: Any) -> str:
    """Return a setting's value as it is written in the environment."""
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, tuple) else str(value)
