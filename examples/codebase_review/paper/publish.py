"""Putting a report on disk: whole or not at all."""

import hashlib
import os
import re
import uuid
from pathlib import Path
from typing import Final

#: Longer names are cut; file systems allow 255 bytes.
MAX_NAME_CHARS: Final = 100


def file_stem(quest_id: str) -> str:
    """Return a file name for a quest id; an id that cannot be one gets a digest, so that two ids never share a file."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", quest_id).lstrip(".")[:MAX_NAME_CHARS]
    if safe == quest_id and safe:
        return safe
    return f"{safe or 'quest'}-{hashlib.sha256(quest_id.encode('utf-8', 'backslashreplace')).hexdigest()[:10]}"


def publish(folder: str, name: str, text: str) -> str:
    """Write `text` to the file `name` in `folder`, made if missing; return the absolute path."""
    target = Path(folder).resolve() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    # A step may run twice (its worker died before the checkpoint), even at the same time on two workers. Each
    # run writes a file of its own and renames it: a reader sees one whole report, and the last run wins.
    draft = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return str(target)
