"""A visit: one request for a page, with the namespace that it looks at and what its answer is made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from questline_gateway.dashboard.rendering import assets, environment
from questline_gateway.security import Principal, Scope, Veil
from questline_gateway.tenants import Tenant

#: What a page may load and do: only what this server sends, and nothing that stands within the page.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page.

    Parameters:
      request: the request.
      here: the namespace that is looked at.
      form: the fields that were sent, each with all of its values.
      now: the database's time.
    """

    request: Request
    here: Tenant
    form: Mapping[str, Sequence[str]] = field(default_factory=dict)
    now: float = 0.0

    @property
    def principal(self) -> Principal:
        """Who looks, and what they may do."""
        found: Principal = self.request.state.principal
        return found

    @property
    def posted(self) -> bool:
        """Whether a form was sent; whatever else comes, HEAD among it, only looks."""
        return self.request.method == "POST"

    @property
    def may_submit(self) -> bool:
        """Whether who looks may submit quests."""
        return self.principal.may(Scope.SUBMIT)

    @property
    def may_control(self) -> bool:
        """Whether who looks may steer quests; buttons that they may not press are not there."""
        return self.principal.may(Scope.CONTROL)

    @property
    def may_administer(self) -> bool:
        """Whether who looks may see the audit and the keys, and delete."""
        return self.principal.may(Scope.ADMIN)

    def shown(self, name: str, value: Any) -> Any:
        """Return a value as HTTP shows it: without what the settings hide, here as in the API.

        Parameters:
          name: what the API calls the member that it stands in, such as "input_data".
          value: the value, as JSON data.
        """
        return self._veil.over({name: value}, payloads=True)[name]

    def shown_change(self, path: str, before: Any, after: Any) -> tuple[Any, Any]:
        """Return what stands, and stood, at a path, likewise.

        Parameters:
          path: where they stand.
          before: the value before.
          after: the value after.
        """
        found = self._veil.over({"path": path, "before": before, "after": after}, payloads=True)
        return found["before"], found["after"]

    @property
    def _veil(self) -> Veil:
        return Veil(self.here.settings.redact_keys, self.here.settings.redact_paths)

    def asked(self, name: str, default: str = "") -> str:
        """Return a value of the query; an empty one counts as none."""
        return self.request.query_params.get(name) or default

    def sent(self, name: str, default: str = "") -> str:
        """Return the first value of a field of the form."""
        return next(iter(self.form.get(name, ())), default)

    @property
    def reason(self) -> str | None:
        """Why somebody does what their form asks for, in their words."""
        return self.sent("reason").strip() or None

    @property
    def seen(self) -> int | None:
        """The version that a quest had when the form about it was made."""
        text = self.sent("version")
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= len("999999999") else None

    def url(self, *path: str, **query: Any) -> str:
        """Return the address of a page.

        Parameters:
          path: its parts, each of which may hold any character.
          query: what to ask it for; None and empty values are left out, a list gives several.
        """
        kept = {name.rstrip("_"): value for name, value in query.items() if value not in (None, "", [])}
        asked = urlencode(kept, doseq=True)
        base: str = self.request.scope.get("root_path", "")
        return f"{base}/{'/'.join(quote(part, safe='') for part in path)}{'?' if asked else ''}{asked}"

    def changed(self, **query: Any) -> str:
        """Return the address of this page with some of its query changed; None takes a value out."""
        base: str = self.request.scope.get("root_path", "")
        raw: bytes = self.request.scope.get("raw_path") or self.request.scope["path"].encode()
        path = quote(raw.partition(b"?")[0].removeprefix(base.encode()), safe="/%")  # an id in it may hold slashes
        old = {name: self.request.query_params.getlist(name) for name in self.request.query_params}
        kept = {name: value for name, value in (old | query).items() if value not in (None, "", [])}
        return f"{base}{path}{'?' if kept else ''}{urlencode(kept, doseq=True)}"

    def asset(self, name: str) -> str:
        """Return the address of a static file."""
        base: str = self.request.scope.get("root_path", "")
        return f"{base}/{assets().path(name)}"

    def page(self, template: str, /, *, status: int = 200, **values: Any) -> Response:
        """Return a page.

        Parameters:
          template: the name of the template.
          status: the status of the answer.
          values: what the template shows.
        """
        text = environment().get_template(template).render(visit=self, now=self.now, **values)
        return HTMLResponse(text, status_code=status, headers=_HEADERS)

    def go(self, address: str) -> Response:
        """Return the answer that sends a browser on, after a form was sent or a search was typed."""
        return RedirectResponse(address, status_code=303, headers=_HEADERS)
