"""A codec for tests: that of every store which a test opens, where `QUESTLINE_TEST_CODEC` is set."""

import base64
import os

from questline_persistence.payload import parse_keys
from questline_persistence.payload.sealing import Sealing
from questline_persistence.store import Database

#: Keys for tests, as the setting has them: each of 32 times the same byte.
KEYS = {name: f"{name}:{base64.b64encode(name[:1].encode() * 32).decode()}" for name in ("alpha", "beta", "gamma")}


def sealing(*names: str, compress_from: int | None = None, index: bool = False) -> Sealing:
    """A codec with keys, the first of which seals."""
    return Sealing(parse_keys(",".join(KEYS[name] for name in names)), compress_from=compress_from, index=index)


def switch_on() -> None:
    """Have every store of this process, and of those that it starts, encrypt what it keeps.

    Nothing is compressed: what fills a disk, or is counted, is as large as tests make it.
    """
    os.environ["QUESTLINE_PAYLOAD_KEYS"] = KEYS["alpha"]
    os.environ["QUESTLINE_INDEX_ENCRYPTED"] = "1"  # what is looked for is the matter of other tests
    defaults = Database.__init__.__kwdefaults__ or {}
    Database.__init__.__kwdefaults__ = {**defaults, "codec": sealing("alpha", index=True)}
