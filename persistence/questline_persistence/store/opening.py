"""How a store is opened as the settings say: where it is, how large what it keeps may be, and what pools sessions."""

from __future__ import annotations

from pathlib import Path

from questline_persistence import settings
from questline_persistence.dialects import DEFAULT_POOL, PoolLimits
from questline_persistence.errors import ConfigurationError
from questline_persistence.payload import CLEAR, Codec, parse_keys, sealing_codec
from questline_persistence.secret_files import renewed
from questline_persistence.settings import Settings
from questline_persistence.store.database import Database


def open_database(
    url: str | Path | None = None,
    chosen: Settings | None = None,
    *,
    pool: PoolLimits | None = None,
    patience: float = 5.0,
    echo: bool = False,
) -> Database:
    """Return a store as the settings say; nothing is sent to it before it is used.

    Parameters:
      url: a URL, a path of an SQLite file, or ":memory:"; None means the one that the settings name.
      chosen: the settings; None means those of the environment and of the project's files.
      pool: how many connections there are at most; None means as the settings say.
      patience: seconds for which a transaction that met a passing error is tried again.
      echo: whether each statement is logged, without its values.

    Raises:
      ConfigurationError: the URL or a setting is wrong.
    """
    chosen = settings.load() if chosen is None else chosen
    return Database(
        chosen.database_url if url is None else url,
        patience=patience,
        limits=chosen.limits,
        codec=payload_codec(chosen),
        pool=pool_limits(chosen) if pool is None else pool,
        pooler=chosen.database_pooler,
        echo=echo,
    )


def payload_codec(chosen: Settings) -> Codec:
    """Return what payloads pass on their way into the store and out of it, as the settings say.

    Parameters:
      chosen: the settings.

    Raises:
      ConfigurationError: the keys are malformed, or the extra `codec` is not installed.
    """
    if not chosen.payload_keys and chosen.payload_compress_bytes is None:
        return CLEAR
    keys = parse_keys(renewed(chosen.payload_keys))
    try:
        return sealing_codec(keys, compress_from=chosen.payload_compress_bytes, index=chosen.index_encrypted)
    except ImportError as error:
        message = f"QUESTLINE_PAYLOAD_KEYS is set, but {error.name or 'a library'} is not installed"
        raise ConfigurationError(message, hint="run: pip install 'questline[codec]'") from error


def pool_limits(chosen: Settings, *, auto: int = DEFAULT_POOL.size) -> PoolLimits:
    """Return how many connections a process has to its store at most, as the settings say.

    Parameters:
      chosen: the settings.
      auto: the size where they leave it to the process.
    """
    size = auto if chosen.pool_size == "auto" else chosen.pool_size
    return PoolLimits(size, chosen.pool_overflow, chosen.pool_wait_seconds)
