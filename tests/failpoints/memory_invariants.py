"""What always holds of what Lords remember, as SQL: each query finds the rows that break it, on either store."""

from questline_persistence.kinds import ENTRIES, VERSIONED, Entries, Versioned


def _versioned(kind: Versioned) -> dict[str, str]:
    """Return what holds of the heads and versions of a kind."""
    key = f"namespace, key_prefix, {kind.key}"
    return {
        f"I24 the versions of each {kind.name} run without gap, in the order of their moments": f"""
        SELECT {key}, min(version), max(version), count(*) FROM {kind.versions}
        GROUP BY {key} HAVING max(version) - min(version) <> count(*) - 1
        UNION ALL SELECT v.namespace, v.key_prefix, v.{kind.key}, v.version, w.version, 0
        FROM {kind.versions} v JOIN {kind.versions} w ON w.namespace = v.namespace AND w.key_prefix = v.key_prefix
          AND w.{kind.key} = v.{kind.key} AND w.version = v.version + 1 AND w.saved_time < v.saved_time""",
        f"I24 each {kind.name} stands at its newest version, and its oldest follows what was purged": f"""
        SELECT h.namespace, h.key_prefix, h.{kind.key}, h.version, h.purged_to FROM {kind.heads} h
        WHERE h.version <> (SELECT coalesce(max(version), h.purged_to) FROM {kind.versions} v
            WHERE v.namespace = h.namespace AND v.key_prefix = h.key_prefix AND v.{kind.key} = h.{kind.key})
          OR EXISTS (SELECT 1 FROM {kind.versions} v WHERE v.namespace = h.namespace AND v.key_prefix = h.key_prefix
            AND v.{kind.key} = h.{kind.key} AND v.version <= h.purged_to)""",
        f"I27 each {kind.name} points at the payload of its newest version": f"""
        SELECT h.namespace, h.key_prefix, h.{kind.key}, h.body_version, v.body_version FROM {kind.heads} h
        JOIN {kind.versions} v ON v.namespace = h.namespace AND v.key_prefix = h.key_prefix
          AND v.{kind.key} = h.{kind.key} AND v.version = h.version
        WHERE coalesce(h.body_version, 0) <> coalesce(v.body_version, 0)
           OR (h.deleted_at IS NULL) <> (h.body_version IS NOT NULL)""",
        f"I27 every payload that a version of a {kind.name} points at is there": f"""
        SELECT v.namespace, v.key_prefix, v.{kind.key}, v.version, v.body_version FROM {kind.versions} v
        WHERE v.body_version IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {kind.versions} b
          WHERE b.namespace = v.namespace AND b.key_prefix = v.key_prefix AND b.{kind.key} = v.{kind.key}
            AND b.version = v.body_version AND b.body_version = b.version AND b.{kind.body[0]} IS NOT NULL)""",
    }


def _numbered(kind: Entries) -> dict[str, str]:
    """Return what holds of the entries of a kind that has a stream."""
    if kind.stream is None:
        return {}
    of, counter = kind.stream.of, kind.stream.counter
    return {
        f"I24 every {kind.name} has its number, without gap": f"""
        SELECT h.namespace, h.key_prefix, h.{of.key}, h.{counter} FROM {of.heads} h
        LEFT JOIN {kind.table} e ON e.namespace = h.namespace AND e.key_prefix = h.key_prefix
          AND e.{of.key} = h.{of.key} AND e.seq <= h.{counter}
        GROUP BY h.namespace, h.key_prefix, h.{of.key}, h.{counter}, h.purged_to
        HAVING count(e.seq) <> h.{counter} AND h.purged_to = 0
          OR count(e.seq) <> coalesce(h.{counter} - min(e.seq) + 1, 0)
        UNION ALL SELECT e.namespace, e.key_prefix, e.{of.key}, e.seq FROM {kind.table} e
        WHERE NOT EXISTS (SELECT 1 FROM {of.heads} h WHERE h.namespace = e.namespace
            AND h.key_prefix = e.key_prefix AND h.{of.key} = e.{of.key} AND h.{counter} >= e.seq)""",
    }


def _found(table: str, there: str) -> dict[str, str]:
    """Return what holds of the words of what can be searched."""
    return {
        f"I31 what is there of {table} has its words, and nothing else has": f"""
        SELECT r.id FROM {table} r WHERE ({there}) <> EXISTS (
          SELECT 1 FROM memory_texts t WHERE t.kind = '{table}' AND t.ref_id = r.id AND t.namespace = r.namespace
            AND t.key_prefix = r.key_prefix)
        UNION ALL SELECT t.text_id FROM memory_texts t
        WHERE t.kind = '{table}' AND NOT EXISTS (SELECT 1 FROM {table} r WHERE r.id = t.ref_id)""",
    }


def _by_steps(table: str, *, but: str = "1 = 1") -> dict[str, str]:
    """Return what holds of rows that steps wrote."""
    return {
        f"I25 what a step wrote to {table} has that step's success": f"""
        SELECT v.id, v.quest_id, v.epoch, v.position, v.quest_version FROM {table} v
        WHERE v.quest_id IS NOT NULL AND {but} AND EXISTS (
            SELECT 1 FROM quest_executions q WHERE q.quest_id = v.quest_id)
          AND NOT EXISTS (SELECT 1 FROM lord_runs r WHERE r.quest_id = v.quest_id AND r.epoch = v.epoch
            AND r.position = v.position AND r.version = v.quest_version AND r.status = 'success')""",
    }


#: What counts at each quest's present version: the newest version of each epoch that has led to it.
_LINEAGE = """
        WITH RECURSIVE lineage(quest_id, epoch, newest) AS (
          SELECT s.quest_id, s.epoch, s.version FROM quest_snapshots s
          WHERE s.version = (SELECT max(version) FROM quest_snapshots n WHERE n.quest_id = s.quest_id)
          UNION ALL SELECT p.quest_id, p.epoch, p.version FROM lineage l
          JOIN quest_snapshots f ON f.quest_id = l.quest_id AND f.version = (
            SELECT min(version) FROM quest_snapshots n WHERE n.quest_id = l.quest_id AND n.epoch = l.epoch)
          JOIN quest_snapshots p ON p.quest_id = f.quest_id AND p.version = f.parent_version)"""


def _counting(table: str) -> dict[str, str]:
    """Return what holds of rows by whether the results count that they were written with."""
    return {
        f"I26 a row of {table} is abandoned if and only if it does not count": f"""{_LINEAGE}
        SELECT v.id, v.quest_id, v.epoch, v.quest_version, v.abandoned_by FROM {table} v
        JOIN quest_executions q ON q.quest_id = v.quest_id
        WHERE (v.abandoned_by IS NULL) <> EXISTS (SELECT 1 FROM lineage l
          WHERE l.quest_id = v.quest_id AND l.epoch = v.epoch AND v.quest_version <= l.newest)
        UNION ALL SELECT v.id, v.quest_id, v.epoch, v.quest_version, v.abandoned_by FROM {table} v
        WHERE v.quest_id IS NULL AND v.abandoned_by IS NOT NULL""",
    }


def _kept(kind: Versioned) -> dict[str, str]:
    """Return what holds of keys whatever verbs do to the quests that write them."""
    return {
        f"I29 a replay takes back its own quest's version of a {kind.name}, and nobody else's": f"""
        SELECT v.namespace, v.key_prefix, v.{kind.key}, v.version, w.version FROM {kind.versions} v
        JOIN {kind.versions} w ON w.namespace = v.namespace AND w.key_prefix = v.key_prefix
          AND w.{kind.key} = v.{kind.key} AND w.version = v.version + 1
        WHERE w.op = 'rewind' AND coalesce(v.quest_id, '') <> w.quest_id""",
        f"I32 a {kind.name} that is a quest's own has that quest": f"""
        SELECT h.id, h.namespace, h.key_prefix, h.{kind.key}, h.owner FROM {kind.heads} h
        WHERE h.owner IS NOT NULL AND NOT EXISTS (SELECT 1 FROM quest_executions q WHERE q.quest_id = h.owner)""",
    }


#: By what is broken: a query that must find nothing.
REMEMBERED: dict[str, str] = {}
for _kind in VERSIONED:
    REMEMBERED |= _versioned(_kind) | _by_steps(_kind.versions, but="v.op NOT IN ('rewind', 'fork')")
    REMEMBERED |= _counting(_kind.versions) | _kept(_kind)
    if _kind.searched:
        REMEMBERED |= _found(_kind.heads, "r.body_version IS NOT NULL")
for _entries in ENTRIES:
    REMEMBERED |= _numbered(_entries) | _by_steps(_entries.table) | _counting(_entries.table)
    if _entries.searched:
        REMEMBERED |= _found(_entries.table, "r.deleted_at IS NULL AND r.abandoned_by IS NULL")
