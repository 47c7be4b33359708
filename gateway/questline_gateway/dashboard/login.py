"""Logging in by a key, and out: the browser keeps a signed cookie that names the key, and never the key."""

from __future__ import annotations

from urllib.parse import parse_qs, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from questline_gateway.dashboard.rendering import assets, environment
from questline_gateway.dashboard.visit import CONTENT_SECURITY_POLICY
from questline_gateway.security import Access, Scope, refuse_foreign
from questline_persistence.errors import NotAllowed
from questline_persistence.keys import ApiKey

_WRONG = "This is no valid key: it is wrong, has expired, or was revoked."
_TOO_LITTLE = "This key may not open the dashboard: it needs the scope read, and the right to see payloads."
_FOREIGN = "This form was sent from another site. Open the page here, and send it again."


def login_routes() -> list[BaseRoute]:
    """Return the routes by which people log in and out."""
    return [
        Route("/login", _show, methods=["GET"]),
        Route("/login", _enter, methods=["POST"]),
        Route("/logout", _leave, methods=["POST"]),
    ]


def to_login(request: Request) -> Response:
    """Return the answer that leads a browser to the log-in, and back from there.

    Parameters:
      request: the request for which nobody has logged in.
    """
    base: str = request.scope.get("root_path", "")
    asked = f"?{request.url.query}" if request.url.query else ""
    back = quote(request.url.path + asked, safe="") if request.method == "GET" else ""
    return RedirectResponse(f"{base}/login" + (f"?next={back}" if back else ""), status_code=303)


async def _show(request: Request) -> Response:
    return _page(request, request.query_params.get("next", ""))


async def _enter(request: Request) -> Response:
    body = (await request.body()).decode("utf-8", "replace")
    fields = parse_qs(body, max_num_fields=8)
    text, back = (fields.get(name, [""])[0].strip() for name in ("key", "next"))
    try:
        refuse_foreign(request)
    except NotAllowed:
        return _page(request, back, _FOREIGN, 403)
    access: Access = request.app.state.access
    key: ApiKey | None = await run_in_threadpool(access.keys.key_of, text)
    if key is None:
        return _page(request, back, _WRONG, 401)
    if not (key.payloads and key.scopes & {Scope.READ, Scope.ADMIN}):
        return _page(request, back, _TOO_LITTLE, 403)
    response = RedirectResponse(_local(request, back), status_code=303)
    access.sessions.begin(request, response, key.key_id)
    return response


async def _leave(request: Request) -> Response:
    refuse_foreign(request)
    access: Access = request.app.state.access
    response = RedirectResponse(f"{request.scope.get('root_path', '')}/login", status_code=303)
    access.sessions.end(request, response)
    return response


def _local(request: Request, back: str) -> str:
    """Return where to go after the log-in: a page of this server, whatever the address said."""
    base: str = request.scope.get("root_path", "")
    ours = back.startswith(f"{base}/") and not back.startswith(("//", "/\\")) and back.isprintable()
    return quote(back, safe="/?&=%:@+,;~") if ours and "\\" not in back else f"{base}/"


def _page(request: Request, back: str, error: str = "", status: int = 200) -> Response:
    base: str = request.scope.get("root_path", "")
    text = (
        environment()
        .get_template("login.html")
        .render(base=base, back=back, error=error, asset=lambda name: f"{base}/{assets().path(name)}")
    )
    return HTMLResponse(text, status, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})
