"""Batches: one verb over all quests that a filter means, made from the list, watched and aborted on a page."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from starlette.responses import Response

from questline_gateway.dashboard.list_filter import ListFilter
from questline_gateway.dashboard.verbs import MEANINGS
from questline_gateway.dashboard.visit import Visit
from questline_persistence.batches import Batch, BatchOutcome, BatchResult, BatchVerb, verb_of
from questline_persistence.errors import QuestConflict

#: Batches, and results of one outcome, on one page.
PAGE = 50
#: Results of each outcome that stand together where none is asked for.
FIRST = 20
#: The outcomes, those first that somebody has to look at.
OUTCOMES = (BatchOutcome.FAILED, BatchOutcome.REFUSED, BatchOutcome.CHANGED, BatchOutcome.UNCHANGED)


class Kind(NamedTuple):
    """The results of one outcome: how many there are, and the page that lists them."""

    outcome: BatchOutcome
    number: int
    href: str


def batches(visit: Visit) -> Response:
    """Return a page of the batches, newest first."""
    page = visit.here.client.batches.list(limit=PAGE, cursor=visit.asked("cursor") or None)
    return visit.page("batches/list.html", batches=page.items, next_cursor=page.next_cursor)


def batch(visit: Visit) -> Response:
    """Return the page of a batch: how far it has come, and what came of its quests."""
    found = visit.here.client.batches.get(visit.request.path_params["batch_id"])
    outcome = visit.asked("outcome")
    results, next_cursor = _results(visit, found, outcome)
    return visit.page(
        "batches/batch.html",
        batch=found,
        outcome=outcome,
        results=[(result, BatchOutcome(result.outcome)) for result in results],
        next_cursor=next_cursor,
        kinds=[
            Kind(kind, found.outcomes[kind], visit.url("batches", found.batch_id, outcome=kind)) for kind in OUTCOMES
        ],
        hidden=0 if outcome else sum(max(number - FIRST, 0) for number in found.outcomes.values()),
    )


def _results(visit: Visit, found: Batch, outcome: str) -> tuple[list[BatchResult], str | None]:
    """Return a page of one outcome; or the first of each, failed and refused ones before the others."""
    client = visit.here.client.batches
    if outcome:
        page = client.results(found.batch_id, outcome=outcome, limit=PAGE, cursor=visit.asked("cursor") or None)
        return page.items, page.next_cursor
    there = [kind for kind in OUTCOMES if found.outcomes[kind]]
    return [one for kind in there for one in client.results(found.batch_id, outcome=kind, limit=FIRST).items], None


def abort_batch(visit: Visit) -> Response:
    """Return the form that aborts a batch; or abort it, and send on to it."""
    found = visit.here.client.batches.get(visit.request.path_params["batch_id"])
    error = None
    if visit.posted:
        try:
            visit.here.client.batches.abort(found.batch_id, visit.sent("reason").strip() or None)
            return visit.go(visit.url("batches", found.batch_id))
        except QuestConflict as conflict:
            error = conflict
    status = 200 if error is None else 409
    return visit.page("batches/abort.html", status=status, batch=found, error=error, reason=visit.sent("reason"))


def make_batch(visit: Visit) -> Response:
    """Return the preview of a verb over all quests that a form's filter means; or make the batch, and send on to it."""
    verb = verb_of(visit.sent("verb"))
    chosen = _chosen(visit, verb)
    client, quests = visit.here.client.batches, chosen.quests(visit.now)
    error = None
    if visit.sent("action") == "do":
        try:
            reason = visit.sent("reason").strip() or None
            made = client.create(verb, quests, name=visit.sent("name").strip() or None, reason=reason)
            return visit.go(visit.url("batches", made.batch_id))
        except QuestConflict as conflict:
            error = conflict
    return visit.page(
        "batches/make.html",
        status=200 if error is None else 409,
        verb=verb,
        preview=client.preview(verb, quests),
        meaning=MEANINGS[verb],
        fields=[(name, value) for name, values in chosen.query().items() for value in _several(values)],
        name=visit.sent("name"),
        reason=visit.sent("reason"),
        command=chosen.command("batch", "create", verb),
        error=error,
    )


def _chosen(visit: Visit, verb: BatchVerb) -> ListFilter:
    """Return the filter that a form means; where it names no status, those in which the verb can be done."""
    chosen = ListFilter.of({name: list(values) for name, values in visit.form.items()})
    return chosen if chosen.status else replace(chosen, status=tuple(sorted(verb.usual)))


def _several(values: str | list[str]) -> list[str]:
    return [value for value in ([values] if isinstance(values, str) else values) if value]
