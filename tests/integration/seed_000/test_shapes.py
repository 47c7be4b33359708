"""What steps, progress and tables look like from outside."""

import json

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from questline import LordStep, Permanent, QuestExecutor, QuestRepository
from questline_persistence.dialects import parse_url
from tests.integration.seed_000.three_lords import Calls, run, three_steps


def test_a_step_is_plain_json_with_its_retry_settings() -> None:
    step = LordStep("architect", "design_system", params={"depth": 2}, max_attempts=5, backoff_seconds=0.5)

    assert step.to_json() == {
        "lord_name": "architect",
        "tool_name": "design_system",
        "params": {"depth": 2},
        "max_attempts": 5,
        "timeout_seconds": 600.0,
        "backoff_seconds": 0.5,
        "queue": None,
    }
    assert LordStep(**json.loads(json.dumps(step.to_json()))) == step


def test_progress_counts_completed_and_remaining_steps(executor: QuestExecutor, calls: Calls) -> None:
    calls.faults["sentinel"] = Permanent("not today")

    quest = run(executor.execute_quest(three_steps()))

    assert quest.progress == {"completed": len(quest.run_data), "remaining": len(quest.execution_stack)}
    assert quest.progress == {"completed": 2, "remaining": 1}


def test_the_three_tables_have_the_documented_columns_and_indexes(database_url: str) -> None:
    engine = create_engine(parse_url(database_url))
    seen = inspect(engine)
    columns = {table: {column["name"] for column in seen.get_columns(table)} for table in DOCUMENTED}
    indexes = {
        (table, *[str(name) for name in index["column_names"]][: len(DOCUMENTED_INDEXES)])
        for table in DOCUMENTED
        for index in seen.get_indexes(table)
    }
    engine.dispose()

    assert all(names <= columns[table] for table, names in DOCUMENTED.items())
    assert all(any(found[: len(wanted)] == wanted for found in indexes) for wanted in DOCUMENTED_INDEXES)


def test_a_run_of_a_quest_that_does_not_exist_is_refused_by_the_database(repo: QuestRepository) -> None:
    statement = text(
        "INSERT INTO lord_runs (quest_id, lord_name, tool_name, run_index, status, start_time, input_data,"
        " max_attempts, created_at) VALUES ('nobody', 'a', 'b', 1, 'success', 0, '{}', 1, '')"
    )

    with pytest.raises(IntegrityError):
        repo.database.write(lambda connection: connection.execute(statement))


#: Every column that the description of the tables names.
DOCUMENTED = {
    "quest_executions": {
        "quest_id",
        "quest_type",
        "status",
        "start_time",
        "end_time",
        "duration_seconds",
        "input_data",
        "output_data",
        "execution_stack",
        "created_at",
        "updated_at",
        "schema_version",
    },
    "lord_runs": {
        "run_id",
        "quest_id",
        "lord_name",
        "tool_name",
        "run_index",
        "status",
        "start_time",
        "end_time",
        "duration_seconds",
        "input_data",
        "output_data",
        "error_message",
        "attempt_number",
        "max_attempts",
        "created_at",
    },
    "quest_snapshots": {"snapshot_id", "quest_id", "run_data", "execution_stack", "snapshot_reason", "created_at"},
}


#: The four indexes that it names, by table and leading columns.
DOCUMENTED_INDEXES = {
    ("quest_executions", "status"),
    ("quest_executions", "created_at"),
    ("lord_runs", "quest_id", "run_index"),
    ("lord_runs", "lord_name", "created_at"),
}
