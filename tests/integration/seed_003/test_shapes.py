"""What the table of runs looks like from outside."""

from sqlalchemy import create_engine, inspect

from questline_persistence.dialects import parse_url

#: Every column that the description of the table names, and the one that holds the moment as a number.
DOCUMENTED = {"run_id", "plan_id", "objective", "plan_result", "execution_result", "created_at", "saved_time"}


def test_the_table_has_the_documented_columns_and_the_index_of_its_list(database_url: str) -> None:
    engine = create_engine(parse_url(database_url))
    seen = inspect(engine)
    columns = {column["name"]: column for column in seen.get_columns("runs")}
    indexes = {str(index["name"]): index for index in seen.get_indexes("runs")}
    engine.dispose()

    assert set(columns) >= DOCUMENTED
    assert {name for name in ("run_id", "plan_id", "created_at", "saved_time") if columns[name]["nullable"]} == set()
    assert columns["saved_time"]["type"].python_type is float
    assert indexes["uq_runs_run_id"]["unique"]
    assert indexes["idx_runs_created_at"]["column_names"][2:] == ["saved_time", "run_id"]
