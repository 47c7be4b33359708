"""The operations of the HTTP API, as a page explains them: read from the API's own description."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

#: The methods of HTTP that a path may describe.
METHODS = ("get", "post", "put", "patch", "delete")


class Parameter(NamedTuple):
    """One parameter: its name, where it stands, its type in words, and what it means."""

    name: str
    where: str
    type: str
    required: bool
    meaning: str


class Outcome(NamedTuple):
    """One answer: its status, what it is, and the shape of its body in words."""

    status: str
    meaning: str
    shape: str


class Operation(NamedTuple):
    """One operation, explained.

    Parameters:
      name: its name, which is also its place on the page.
      method: the method, in capitals.
      path: the path, its parameters in braces.
      told: what it does; the first line is a sentence.
      parameters: what stands in its path, its query and its headers.
      body: the shape of its body as JSON text, or "".
      outcomes: what it answers.
      curl: a command line that calls it.
    """

    name: str
    method: str
    path: str
    told: str
    parameters: list[Parameter]
    body: str
    outcomes: list[Outcome]
    curl: str


def operations(description: Mapping[str, Any], base: str) -> dict[str, list[Operation]]:
    """Return the operations of an API by their tags, in the order of the description.

    Parameters:
      description: the API, as OpenAPI 3.1.
      base: the address before each path.
    """
    found: dict[str, list[Operation]] = {tag["name"]: [] for tag in description["tags"]}
    for path, methods in description["paths"].items():
        for method in METHODS:
            if method in methods:
                told = methods[method]
                found.setdefault(told["tags"][0], []).append(_operation(told, method, path, description, base))
    return found


def _operation(told: Mapping[str, Any], method: str, path: str, description: Mapping[str, Any], base: str) -> Operation:
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return Operation(
        name=told["operationId"],
        method=method.upper(),
        path=path,
        told=told.get("description", ""),
        parameters=[_parameter(one) for one in told.get("parameters", ())],
        body="" if body is None else json.dumps(_resolved(body, description), indent=2),
        outcomes=list(_outcomes(told["responses"])),
        curl=_curl(method, base + path, body is not None),
    )


def _parameter(told: Mapping[str, Any]) -> Parameter:
    meaning = told.get("description", "")
    return Parameter(told["name"], told["in"], _in_words(told["schema"]), told["required"], meaning)


def _outcomes(responses: Mapping[str, Any]) -> Iterator[Outcome]:
    for status, told in responses.items():
        contents = [content["schema"] for content in told.get("content", {}).values()]
        yield Outcome(status, told["description"], _in_words(contents[0]) if contents else "nothing")


def _in_words(schema: Mapping[str, Any]) -> str:
    """Return a schema in few words: the name of a shape, or a type with its bounds."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_in_words(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_in_words(schema.get('items', {}))}"
    items = schema.get("properties", {}).get("items")
    if items is not None:
        return f"page of {_in_words(items['items'])}"
    bounds = [f"{words} {schema[key]:,}" for key, words in _BOUNDS.items() if key in schema]
    return ", ".join([str(schema.get("type", "anything")), *bounds])


_BOUNDS = {"minimum": "at least", "maximum": "at most", "maxLength": "characters at most"}


def _resolved(schema: Mapping[str, Any], description: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the shape that a body has where it is there."""
    for one in (schema, *schema.get("anyOf", ())):
        if "$ref" in one:
            shape: Mapping[str, Any] = description["components"]["schemas"][one["$ref"].rpartition("/")[2]]
            return shape
    return schema


def _curl(method: str, address: str, has_body: bool) -> str:
    words = ["curl", *([] if method == "get" else ["-X", method.upper()])]
    if has_body:
        words += ["-H", "Content-Type: application/json", "-d", "{}"]
    return shlex.join([*words, address])
