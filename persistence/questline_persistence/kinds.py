"""What Lords remember, kind by kind: which tables hold it, and what their columns are.

Everything is of one of two shapes. A *versioned* thing has a head, one row per key, and a row for each of its versions.
An *entry* is a row that is added once. The tables are made from these descriptions, and so are the statements that
write them: no kind has any of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

#: What every key consists of, before the key's own column.
KEY = ("namespace", "key_prefix")
#: By which step of which quest a row was written, and at which version of the quest; NULL outside of steps.
ORIGIN = ("quest_id", "epoch", "position", "quest_version")
#: The same, and the epoch whose replay has dropped the row.
OF_STEP = (*ORIGIN, "abandoned_by")


@dataclass(frozen=True, slots=True)
class Versioned:
    """A thing that is saved again and again under its key: a head, and a row for each version.

    Parameters:
      name: what people call one.
      heads: the table of the heads.
      versions: the table of the versions.
      key: the key's own column.
      body: the columns that hold the payload; a version that changes none of it points at an older one's.
      both: further columns that the head has, and each version as well.
      head: further columns that the head alone has.
      version: further columns that each version alone has.
      counters: columns of the head that count the entries of its streams.
      told: columns of the head that the payload, which is JSON, tells of under the same names.
      searched: the columns whose texts are found by a search.
    """

    name: str
    heads: str
    versions: str
    key: str
    body: tuple[str, ...]
    both: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    version: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """What numbers entries: a counter of the head whose key they name.

    Parameters:
      of: the kind of that head.
      counter: its column.
    """

    of: Versioned
    counter: str


@dataclass(frozen=True, slots=True)
class Entries:
    """A thing that is added once and then never changed.

    Parameters:
      name: what people call one.
      table: the table.
      entry_id: the column of its id.
      body: the columns that hold the payload.
      columns: further columns.
      stream: what numbers them; they have a column of the key of its head. None where they have no order of their own.
      expires: whether one may be given a time after which it is no longer there.
      searched: the columns whose texts are found by a search.
    """

    name: str
    table: str
    entry_id: str
    body: tuple[str, ...]
    columns: tuple[str, ...] = ()
    stream: Stream | None = None
    expires: bool = False
    searched: tuple[str, ...] = ()


AGENT_STATES = Versioned(
    "agent state",
    heads="agent_states",
    versions="agent_state_versions",
    key="agent_id",
    both=("name", "status"),
    body=("state_data", "metadata"),
    counters=("transitions",),
    searched=("agent_id", "name", "state_data", "metadata"),
)
TASKS = Versioned(
    "task",
    heads="tasks",
    versions="task_versions",
    key="task_id",
    both=("status", "assigned_to"),
    body=("title", "description", "metadata"),
    searched=("title", "description"),
)
#: A session may be started, have states, or both: one list shows those with a start, another those with a version.
SESSIONS = Versioned(
    "session",
    heads="sessions",
    versions="states",
    key="session_id",
    head=("agent_id", "user_id", "mission", "status", "started_at", "ended_at"),
    version=("timestamp",),
    body=("state_json",),
    counters=("events", "steps"),
    told=("mission", "status", "user_id"),
)
TODO_LISTS = Versioned(
    "to-do list",
    heads="todo_lists",
    versions="todo_list_versions",
    key="todolist_id",
    head=("session_id",),
    both=("status",),
    body=("plan_json",),
    searched=("plan_json",),
)
CONTEXTS = Versioned(
    "workflow context",
    heads="workflow_context",
    versions="workflow_context_versions",
    key="workflow_id",
    head=("epic_num", "story_num", "feature", "workflow_name", "current_phase", "status"),
    body=("context_data",),
    told=("epic_num", "story_num", "feature", "workflow_name", "current_phase", "status"),
    searched=("feature", "workflow_name", "context_data"),
)

TRANSITIONS = Entries(
    "state transition",
    table="state_transitions",
    entry_id="transition_id",
    body=("state_before", "state_after", "reason"),
    stream=Stream(AGENT_STATES, "transitions"),
)
#: A snapshot names a version of its agent, and holds no state of its own.
SNAPSHOTS = Entries(
    "state snapshot",
    table="state_snapshots",
    entry_id="snapshot_id",
    columns=("agent_id", "version"),
    body=("description",),
    expires=True,
)
EVENTS = Entries(
    "event",
    table="events",
    entry_id="event_id",
    columns=("event_type", "actor_type", "actor_id", "git_commit"),
    body=("content", "metadata"),
    stream=Stream(SESSIONS, "events"),
    searched=("event_type", "content", "metadata"),
)
HISTORY = Entries(
    "history entry",
    table="execution_history",
    entry_id="entry_id",
    columns=("step_id", "timestamp"),
    body=("thought", "action", "observation"),
    stream=Stream(SESSIONS, "steps"),
)
MEMORIES = Entries(
    "lesson",
    table="memories",
    entry_id="memory_id",
    columns=("tool_name", "confidence"),
    body=("context", "lesson"),
    searched=("context", "lesson", "tool_name"),
)
#: What was executed elsewhere; quests are shown beside it, and stored once.
RUNS = Entries(
    "run",
    table="runs",
    entry_id="run_id",
    columns=("plan_id", "success"),
    body=("objective", "plan_result", "execution_result"),
)
RUN_PARTS = Entries("run part", table="run_parts", entry_id="part_id", columns=("kind", "plan_id"), body=("body",))

#: All kinds, each by its table: the order in which everybody locks.
VERSIONED = (AGENT_STATES, SESSIONS, TASKS, TODO_LISTS, CONTEXTS)
ENTRIES = (EVENTS, HISTORY, MEMORIES, RUN_PARTS, RUNS, SNAPSHOTS, TRANSITIONS)


def entries_of(kind: Versioned) -> tuple[Entries, ...]:
    """Return the entries that go with a key of a kind: those of its streams, and those that name it."""
    return tuple(one for one in ENTRIES if kind.key in one.columns or (one.stream and one.stream.of is kind))
