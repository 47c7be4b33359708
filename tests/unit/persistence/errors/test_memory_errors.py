"""Errors of what Lords remember: what catches what, and what they tell."""

import pytest

from questline.cli.exit_codes import ExitCode
from questline.cli.failures import explain
from questline_persistence import errors
from questline_persistence.errors import (
    ConfigurationError,
    Conflict,
    EncryptionError,
    NotAllowed,
    NotFound,
    PayloadError,
    QuestlineError,
    StoreUnavailable,
)


@pytest.mark.parametrize(
    ("raised", "names"),
    [
        (StoreUnavailable("the database is away"), ["DatabaseError"]),
        (ConfigurationError("the schema is old"), ["MigrationError"]),
        (PayloadError("state_data is no text"), ["SerializationError"]),
        (NotFound("there is no agent planner"), ["ContextNotFoundError", "NotFoundError"]),
        (EncryptionError("there is no key"), []),
        (Conflict("planner is at version 8, not 7"), []),
        (NotAllowed("the role may not write"), []),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, QuestlineError) else "",
)
def test_an_error_is_caught_by_the_names_that_other_stores_give_it(raised: QuestlineError, names: list[str]) -> None:
    for name in (*names, "StateStoreError", "PersistenceError", "StorageError", "QuestlineError"):
        with pytest.raises(getattr(errors, name)):
            raise raised


@pytest.mark.parametrize("name", ["DatabaseError", "MigrationError", "SerializationError", "NotFound", "Conflict"])
def test_a_name_catches_only_what_it_says(name: str) -> None:
    one = getattr(errors, name)
    others = {StoreUnavailable, ConfigurationError, PayloadError, NotFound, Conflict} - {one}

    assert [other for other in others if issubclass(other, one)] == []


def test_a_conflict_tells_what_is_there_and_leads_to_what_conflicts_less() -> None:
    conflict = Conflict("cannot save planner: it is at version 8, not 7", current={"version": 8}, expected=7)

    assert (conflict.current, conflict.expected) == ({"version": 8}, 7)
    assert conflict.hint is not None
    assert "update" in conflict.hint
    assert "append" in conflict.hint


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (NotFound("there is no agent planner"), "not_found", ExitCode.NOT_FOUND),
        (Conflict("planner has moved on"), "conflict", ExitCode.CONFLICT),
        (EncryptionError("there is no key"), "encryption", ExitCode.CONFIGURATION),
    ],
)
def test_scripts_tell_the_errors_apart(error: QuestlineError, code: str, exit_code: ExitCode) -> None:
    failure = explain(error)

    assert (failure.code, failure.exit_code) == (code, exit_code)
