"""The gateway as commands start it: by itself, or beside a worker."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from questline.cli.invocation import Invocation
from questline_persistence.errors import ConfigurationError

if TYPE_CHECKING:
    from questline_gateway.server import GatewayServer

#: What the extra brings.
_NEEDED = ("fastapi", "uvicorn", "jinja2")


def is_installed() -> bool:
    """Return whether this Python has what the gateway needs."""
    return all(find_spec(name) is not None for name in _NEEDED)


def make_server(invocation: Invocation, *, insecure: bool = False, any_port: bool = False) -> GatewayServer:
    """Return the gateway, which listens already, and is yet to be started.

    Parameters:
      invocation: the command, by whose settings it goes.
      insecure: whether it may listen beyond this machine without keys.
      any_port: whether to take another port where the one of the settings is in use.

    Raises:
      ConfigurationError: the extra is missing, or it may or can not listen there.
    """
    if not is_installed():
        raise ConfigurationError("the gateway is an extra that this Python lacks", hint=INSTALL_HINT)
    from questline_gateway.app import create_app  # noqa: PLC0415  (FastAPI, which only this needs)
    from questline_gateway.server import GatewayServer, is_loopback, refuse_open_door  # noqa: PLC0415  (as above)

    chosen = invocation.settings
    if not is_loopback(chosen.http_host):
        refuse_open_door(chosen, guarded=bool(chosen.http_proxy_header) or _has_keys(invocation), insecure=insecure)
    app = create_app(chosen, insecure=insecure)
    try:
        return GatewayServer(app, chosen.http_host, chosen.http_port, chosen.http_base_path)
    except ConfigurationError:
        if not any_port:
            raise
        return GatewayServer(app, chosen.http_host, 0, chosen.http_base_path)


def _has_keys(invocation: Invocation) -> bool:
    """Return whether a key was ever made in the store, so that everybody needs one."""
    from questline_persistence.keys import KeyCheck  # noqa: PLC0415  (as the store's)

    return KeyCheck(invocation.store).any_made()


#: How to get what the gateway needs.
INSTALL_HINT = "run: pip install 'questline[gateway]'"
