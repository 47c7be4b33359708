"""YAML as people write it: in a quest file, in a file of settings."""

from __future__ import annotations

from typing import Any

_TIMESTAMP = "tag:yaml.org,2002:timestamp"


def read_yaml(text: str) -> Any:
    """Return the value of YAML text; what looks like a time stays text, as in JSON.

    Raises:
      ValueError: it is not YAML; the message says why and where, and repeats no line of it.
    """
    import yaml  # noqa: PLC0415  (20 ms that only YAML files need)

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C one, where it was built
        yaml_implicit_resolvers = {  # noqa: RUF012  (PyYAML's own name and type)
            first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    try:
        return yaml.load(text, Loader)  # noqa: S506  (a safe loader, see above)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ValueError(f"{problem}{place}") from None
