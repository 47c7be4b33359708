"""People whom a proxy has let in: it names them in a header, which is believed of that proxy alone."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from contextlib import suppress

from starlette.exceptions import HTTPException
from starlette.requests import Request

from questline_gateway.security.principal import Principal
from questline_persistence.errors import ConfigurationError
from questline_persistence.keys import Scope
from questline_persistence.settings import Settings

#: Longest name that a proxy may give, in characters.
MAX_USER = 100


class TrustedProxy:
    """Tells who a request is from by what a proxy says, where one is trusted.

    Parameters:
      settings: name the header, the addresses of proxies, and what those may do whom they let in.

    Raises:
      ConfigurationError: a header is named without a proxy, or the other way round; or what is named is none.
    """

    def __init__(self, settings: Settings) -> None:
        self._header, peers = settings.http_proxy_header.lower(), settings.http_proxy_peers
        if bool(self._header) != bool(peers):
            message = "a header is believed of proxies that are named, and only where both are"
            raise ConfigurationError(message, hint="set QUESTLINE_HTTP_PROXY_HEADER and QUESTLINE_HTTP_PROXY_PEERS")
        self._peers = [_network(peer) for peer in peers]
        self._scopes = _scopes(settings.http_proxy_scopes)
        self._namespace = settings.namespace

    @property
    def trusted(self) -> bool:
        """Whether any proxy is trusted; then nobody comes in who is not named by it and has no key."""
        return bool(self._header)

    def principal_of(self, request: Request) -> Principal | None:
        """Return whom a proxy has let in; None where no proxy says anything that is to be believed.

        Parameters:
          request: the request.

        Raises:
          HTTPException: a proxy names several, or nobody who can be told from others (401).
        """
        if not self.trusted or not self._is_proxy(request):
            return None
        names = request.headers.getlist(self._header)
        if not names:
            return None
        name = names[0].strip()
        # Of two, one may be what the browser has sent, and the proxy has let through.
        if len(names) > 1 or "," in name or not (0 < len(name) <= MAX_USER and name.isprintable()):
            raise HTTPException(401, "the proxy names nobody, or several: it must replace what browsers send")
        return Principal(f"proxy:{name}", self._namespace, self._scopes, payloads=True)

    def _is_proxy(self, request: Request) -> bool:
        with suppress(ValueError):
            peer = ipaddress.ip_address(request.client.host if request.client is not None else "")
            return any(peer in network for network in self._peers)
        return False


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        message = f"QUESTLINE_HTTP_PROXY_PEERS: {text!r:.100} is no address and no network: {error}"
        raise ConfigurationError(message, hint="write it as in 10.0.0.7 or 10.0.0.0/24") from None


def _scopes(words: Sequence[str]) -> frozenset[Scope]:
    known = [str(scope) for scope in Scope]
    if unknown := [word for word in words if word not in known]:
        message = f"QUESTLINE_HTTP_PROXY_SCOPES: {unknown[0]!r:.100} is no scope"
        raise ConfigurationError(message, hint=f"there are {', '.join(known)}")
    return frozenset(map(Scope, words))
