"""What the tables of sessions and lessons look like from outside."""

from sqlalchemy import create_engine, inspect

from questline_persistence.dialects import parse_url

#: Every column that the description of the tables names; the plan of a to-do list is with its versions.
DOCUMENTED = {
    "sessions": {"session_id", "user_id", "mission", "status", "created_at", "updated_at"},
    "states": {"id", "session_id", "state_json", "version", "timestamp"},
    "todo_lists": {"todolist_id", "session_id", "status", "created_at", "updated_at"},
    "todo_list_versions": {"todolist_id", "plan_json", "status"},
    "execution_history": {"id", "session_id", "step_id", "thought", "action", "observation", "timestamp"},
    "memories": {"memory_id", "context", "lesson", "tool_name", "confidence", "created_at"},
}
#: Every column that it wants an index of, which begins with namespace and key prefix.
INDEXED = {
    *(("sessions", "session_id"), ("sessions", "user_id"), ("sessions", "created_at")),
    *(("states", "session_id"), ("states", "timestamp")),
    *(("todo_lists", "todolist_id"), ("todo_lists", "session_id")),
    *(("execution_history", "session_id"), ("execution_history", "timestamp")),
    *(("memories", "memory_id"), ("memories", "tool_name"), ("memories", "created_at")),
}


def test_the_five_tables_have_the_documented_columns_and_indexes(database_url: str) -> None:
    engine = create_engine(parse_url(database_url))
    seen = inspect(engine)
    columns = {table: {column["name"] for column in seen.get_columns(table)} for table in DOCUMENTED}
    indexes = {(table, *index["column_names"][:3]) for table in DOCUMENTED for index in seen.get_indexes(table)}
    engine.dispose()

    assert all(names <= columns[table] for table, names in DOCUMENTED.items())
    assert indexes >= {(table, "namespace", "key_prefix", column) for table, column in INDEXED}
