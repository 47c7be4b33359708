"""Who comes in: a key in the header, a session of a browser, or anybody where that was decided."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request

from questline_gateway.security.principal import Principal
from questline_gateway.security.sessions import Sessions
from questline_gateway.security.trusted_proxy import TrustedProxy
from questline_gateway.tenants import Tenants
from questline_persistence.audit import Actor, Door
from questline_persistence.errors import NotAllowed
from questline_persistence.keys import KeyCheck

#: Longest header of a key that is looked at, in characters.
MAX_HEADER = 200
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: The names of this machine that nobody else decides upon; browsers always send one.
_OURS = frozenset({"", "localhost"})
#: What a proxy adds: whoever it speaks for is somewhere else, though it may run here.
_PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="questline"'}


class Access:
    """Tells who sends a request, and refuses whom nobody has let in.

    As long as no key was ever made in the store, anybody on this machine may do all; from the first key on, everybody
    needs one, also when that has expired, unless a trusted proxy says who they are.

    Parameters:
      tenants: the namespaces, in whose store the keys are.
      insecure: whether anybody may do all, wherever they come from.
    """

    def __init__(self, tenants: Tenants, *, insecure: bool = False) -> None:
        self.keys = KeyCheck(tenants.database)
        self.sessions = Sessions(tenants.settings.session_key)
        self._tenants = tenants
        self._namespace = tenants.settings.namespace
        self._insecure = insecure
        self._proxy = TrustedProxy(tenants.settings)

    def principal_of(self, request: Request) -> Principal:
        """Return who sends a request.

        Parameters:
          request: the request.

        Raises:
          HTTPException: they need a key (401).
          NotAllowed: another site has sent it, or it comes from elsewhere and there are no keys.
          StoreUnavailable: the store did not answer.
          ConfigurationError: it has the wrong schema.
        """
        known: Principal | None = getattr(request.state, "principal", None)
        if known is None:
            known = request.state.principal = self._found(request)
        return known

    def _found(self, request: Request) -> Principal:
        self._tenants.prepare()
        header = request.headers.get("authorization")
        if header is not None:
            return self._by_key(header)
        refuse_foreign(request)
        known = self._proxy.principal_of(request) or self._by_session(request)
        if known is not None:
            return known
        if self._insecure:
            return Principal.anybody(self._namespace)
        if self._proxy.trusted or self.keys.any_made():
            raise HTTPException(401, "this needs a key: send the header Authorization: Bearer KEY", _CHALLENGE)
        _refuse_elsewhere(request)
        return Principal.anybody(self._namespace)

    def _by_key(self, header: str) -> Principal:
        scheme, _, text = header[: MAX_HEADER + 1].partition(" ")
        key = self.keys.key_of(text) if scheme.lower() == "bearer" and len(header) <= MAX_HEADER else None
        if key is None:
            raise HTTPException(401, "this is no valid key: it is wrong, has expired, or was revoked", _CHALLENGE)
        self.keys.note_use(key)
        return Principal.of(key)

    def _by_session(self, request: Request) -> Principal | None:
        key_id = self.sessions.key_of(request)
        key = None if key_id is None else self.keys.valid(key_id)
        return None if key is None else Principal.of(key)


def actor_of(request: Request, principal: Principal, door: Door = Door.HTTP) -> Actor:
    """Return who sends a request, as the audit tells it.

    Parameters:
      request: the request.
      principal: who sends it.
      door: "http" or "dashboard".
    """
    host = request.client.host if request.client is not None else ""
    address = host if host.isprintable() and 0 < len(host) <= MAX_HEADER else None
    return Actor(principal.name, door, address, str(request.state.request_id))


def refuse_foreign(request: Request) -> None:
    """Refuse a change that a page of another site has sent by somebody's browser, which would show its cookie.

    Parameters:
      request: the request.

    Raises:
      NotAllowed: another site has sent it.
    """
    if request.method in _SAFE:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    elsewhere = origin is not None and _server_in(origin) != request.headers.get("host")
    if elsewhere if site is None else site not in {"same-origin", "none"}:
        raise NotAllowed("this request was sent by a page of another site", hint="send it with a key, or from here")


def _refuse_elsewhere(request: Request) -> None:
    """Refuse who comes from another machine, or by a name that others decide upon: a page could have led them here."""
    peer = request.client.host if request.client is not None else ""
    named = any(map(_names_elsewhere, request.headers.getlist("host"))) and _is_address(peer)
    if _is_elsewhere(peer) or named or any(name in request.headers for name in _PASSED_ON):
        message = "without keys, the gateway is for this machine alone"
        raise NotAllowed(message, hint="make one: questline keys create NAME; or start the gateway with --insecure")


def _is_address(host: str) -> bool:
    """Return whether a peer has come by a network; one in this process, or by a socket of files, has not."""
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False


def _is_elsewhere(host: str) -> bool:
    """Return whether an address is not one of loopback."""
    return _is_address(host) and not ipaddress.ip_address(host).is_loopback


def _names_elsewhere(header: str) -> bool:
    """Return whether the name by which the gateway was asked for may be another machine's, or anybody's."""
    try:
        name = (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:  # it is no name at all
        return True
    return _is_elsewhere(name) or not (_is_address(name) or name in _OURS or name.endswith(".localhost"))


def _server_in(origin: str) -> str | None:
    """Return the server that an origin names; None where it names none, as "null" does."""
    with suppress(ValueError):
        return urlsplit(origin).netloc or None
    return None
