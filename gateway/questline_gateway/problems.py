"""Errors as HTTP tells them: RFC 9457 problems, with the codes, messages and hints of the command line.

A traceback is never part of one; it goes to the log, under the request's id.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from questline_gateway.answers import Answer
from questline_persistence.errors import (
    Conflict,
    NotAllowed,
    NotFound,
    PayloadError,
    QuestConflict,
    QuestlineError,
    QuestNotFound,
    StoreUnavailable,
)

#: After how many seconds a caller may try again where the store did not answer.
RETRY_AFTER = 1
#: Most wrong fields that one problem names.
MAX_WRONG = 20
#: What Pydantic puts before the words of those who check a value.
_NOISE = "Value error, "

#: The status of each kind of error; one that is not named here is a mistake of the server's.
_STATUSES: dict[type[QuestlineError], HTTPStatus] = {
    QuestNotFound: HTTPStatus.NOT_FOUND,
    NotFound: HTTPStatus.NOT_FOUND,
    QuestConflict: HTTPStatus.CONFLICT,
    Conflict: HTTPStatus.CONFLICT,
    PayloadError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotAllowed: HTTPStatus.FORBIDDEN,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
#: The code of what HTTP itself refuses, by its status.
_CODES = {
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "media_type",
    HTTPStatus.TOO_MANY_REQUESTS: "too_many_requests",
    HTTPStatus.SERVICE_UNAVAILABLE: StoreUnavailable.code,
}


class Problem(Answer):
    """An error as an answer.

    Parameters:
      status: the status.
      code: the stable name of the error, the same as on the command line.
      detail: what went wrong, naming the thing.
      request_id: the request, by its id.
      hint: the next step that mends it, or None.
      more: further members, such as the present state of what is in conflict.
      headers: further headers.
    """

    media_type = "application/problem+json"

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        request_id: str,
        hint: str | None = None,
        more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        content = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": int(status),
            "detail": detail,
            "code": code,
            "hint": hint,
            "request_id": request_id,
            **(more or {}),
        }
        super().__init__(content, status_code=int(status), headers=dict(headers or {}))


def install(app: FastAPI) -> None:
    """Have an application answer every error with a problem.

    Parameters:
      app: the application.
    """
    app.add_exception_handler(QuestlineError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_a_value)
    app.add_exception_handler(HTTPException, _of_http)


def unforeseen(request_id: str) -> Problem:
    """Return the problem that nobody foresaw, which says no more than where to look.

    Parameters:
      request_id: the request, by its id.
    """
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "unexpected",
        "an error that nobody foresaw",
        request_id=request_id,
        hint=f"look for request_id {request_id} in the gateway's log",
    )


def _of_ours(request: Request, error: Exception) -> Problem:
    assert isinstance(error, QuestlineError)  # noqa: S101  (it is registered for nothing else)
    found = (status for kind, status in _STATUSES.items() if isinstance(error, kind))
    status = next(found, HTTPStatus.INTERNAL_SERVER_ERROR)
    later = {"Retry-After": str(RETRY_AFTER)} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    more = _present_state(request, error)
    seen = getattr(request.state, "seen", None)
    if more and seen is not None and more["current"]["version"] != seen:
        status = HTTPStatus.PRECONDITION_FAILED
    return Problem(
        status, error.code, error.message, hint=error.hint, request_id=id_of(request), more=more, headers=later
    )


def _present_state(request: Request, error: QuestlineError) -> dict[str, Any]:
    """Return, of a conflict, the state that speaks against what was asked for, where it is known."""
    look = getattr(request.state, "look", None)
    if not isinstance(error, QuestConflict | Conflict) or look is None:
        return {}
    try:
        return {"current": look()}
    except QuestlineError:  # it is another namespace's, or gone by now
        return {}


def _of_a_value(request: Request, error: Exception) -> Problem:
    """Return what is wrong with parameters, headers or a body."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  (as above)
    wrong = [
        {"place": ".".join(str(part) for part in one["loc"]), "message": one["msg"].removeprefix(_NOISE)}
        for one in error.errors()[:MAX_WRONG]
    ]
    first, kind = wrong[0], request.headers.get("content-type", "")
    body = first["place"] == "body"
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        PayloadError.code,
        f"{first['place']}: {first['message']}",
        hint="send the header Content-Type: application/json" if body and "json" not in kind else None,
        request_id=id_of(request),
        more={"errors": wrong},
    )


def _of_http(request: Request, error: Exception) -> Problem:
    assert isinstance(error, HTTPException)  # noqa: S101  (as above)
    status = HTTPStatus(error.status_code)
    return Problem(
        status,
        _CODES.get(status, "usage"),
        str(error.detail),
        request_id=id_of(request),
        headers=error.headers,
    )


def id_of(request: Request) -> str:
    """Return the id under which the log tells of a request.

    Parameters:
      request: the request.
    """
    return str(request.state.request_id)
