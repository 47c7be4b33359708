"""How quests get from a producer into the store, one or a hundred thousand, in its transaction or in the caller's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sqlalchemy import Connection

from questline_persistence.arguments import several
from questline_persistence.claims import REDISPATCH_FIRST
from questline_persistence.errors import PayloadError
from questline_persistence.journal import Submitted, prepare_quest, submission
from questline_persistence.models import MAX_KEY_LENGTH, QuestExecutionData
from questline_persistence.new_quest import NewQuest
from questline_persistence.plan import Plans
from questline_persistence.store import Database
from questline_scheduler.doorbells import Ringer
from questline_scheduler.quest_file import read_quest
from questline_scheduler.quest_types import steps_of
from questline_scheduler.step_defaults import complete
from questline_scheduler.tracing import traced

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from typing_extensions import TypeIs

#: What to do about an idempotency key that was used for a quest of another type or input.
OnConflict: TypeAlias = Literal["error", "return"]
#: Most quests in one `submit_many`.
MAX_SUBMIT = 100_000
#: Quests inserted by one transaction of `submit_many`.
SUBMIT_BATCH = 1_000


class Submissions:
    """Puts quests into the store of one namespace, and rings for their first steps.

    Parameters:
      database: the store.
      namespace: the tenant.
      ringer: rings once the quests are committed.
    """

    def __init__(self, database: Database, namespace: str, ringer: Ringer) -> None:
        self._database = database
        self._namespace = namespace
        self._ringer = ringer

    def submit(
        self,
        quest: QuestExecutionData | Mapping[str, Any],
        *,
        idempotency_key: str | None,
        on_conflict: OnConflict,
        connection: Connection | Session | None,
    ) -> Submitted:
        """Put one quest into the store; the parameters are those of `QuestClient.submit`.

        Returns:
          the quest's id, and whether this very call created it.

        Raises:
          PayloadError: the quest is malformed, too large, or of an unknown type.
          QuestConflict: a quest of that id exists already, or the key was used for another input.
          ConfigurationError: `connection` is to another database.
        """
        any_input = _any_input(on_conflict)
        if connection is not None:
            new = self._prepared(quest, idempotency_key, ring_in=0.0, any_input=any_input)
            (outcome,) = submission.submit_within(self._callers(connection), [new])
            return outcome
        new = self._prepared(quest, idempotency_key, ring_in=self._ring_in, any_input=any_input)
        outcome = submission.submit(self._database, new)
        self._ring([outcome])
        return outcome

    def submit_many(
        self,
        quests: Iterable[QuestExecutionData | Mapping[str, Any]],
        *,
        on_conflict: OnConflict,
        connection: Connection | Session | None,
    ) -> list[Submitted]:
        """Put many quests into the store, in batches; the parameters are those of `QuestClient.submit_many`.

        Returns:
          what became of each, in the order in which they were given.

        Raises:
          PayloadError: one of them is malformed, or they are too many; then none is submitted.
          QuestConflict: one of the ids exists already, or one of the keys was used for another input; batches before it
            stay submitted.
          ConfigurationError: `connection` is to another database.
        """
        own = None if connection is None else self._callers(connection)
        prepared = partial(
            self._prepared,
            ring_in=self._ring_in if own is None else 0.0,
            any_input=_any_input(on_conflict),
            plans=Plans(self._database.limits),
        )
        given = several(quests, "quests", "a list of quests", "submit takes a single one")
        new = [prepared(quest) for quest in given]
        if len(new) > MAX_SUBMIT:
            raise PayloadError(f"{len(new):,} quests are more than {MAX_SUBMIT:,}", hint="submit them in several calls")
        batches = (new[start : start + SUBMIT_BATCH] for start in range(0, len(new), SUBMIT_BATCH))
        return [outcome for batch in batches for outcome in self._submit_batch(batch, own)]

    def _submit_batch(self, batch: Sequence[NewQuest], own: Connection | None) -> list[Submitted]:
        """Insert a batch in a transaction of its own, or in the caller's."""
        if own is not None:
            return submission.submit_within(own, batch)
        outcomes = submission.submit_many(self._database, batch)
        self._ring(outcomes)
        return outcomes

    @property
    def _ring_in(self) -> float:
        """After how many seconds the relay is to ring: at once for what is rung here and heard by nobody."""
        return REDISPATCH_FIRST if self._ringer.heard else 0.0

    def _ring(self, outcomes: Sequence[Submitted]) -> None:
        """Ring for what was created, unless the relay does by itself."""
        if self._ringer.heard:
            self._ringer.ring([outcome.doorbell for outcome in outcomes if outcome.doorbell is not None])

    def _prepared(
        self,
        quest: QuestExecutionData | Mapping[str, Any],
        key: str | None = None,
        *,
        ring_in: float,
        any_input: bool,
        plans: Plans | None = None,
    ) -> NewQuest:
        """Return a quest ready for the store, its stack built from its type if it has none.

        Parameters:
          quest: the quest, or its object as in a quest file.
          key: the idempotency key; None leaves the quest's own, if it has one.
          ring_in: seconds after which the relay rings if nobody has claimed the first step by then.
          any_input: whether a key that was used for another input gives the quest of that, and no error.
          plans: where quests that are submitted together find a plan that another of them has, too.
        """
        data = traced(quest if isinstance(quest, QuestExecutionData) else read_quest(quest))
        if key is not None and not isinstance(key, str):
            raise PayloadError(f"an idempotency key is text, not {type(key).__name__}", hint=f"write {str(key)!r}")
        if key is not None and not 1 <= len(key) <= MAX_KEY_LENGTH:
            raise PayloadError(f"an idempotency key has 1 to {MAX_KEY_LENGTH} characters, not {len(key)}")
        return prepare_quest(
            data,
            namespace=self._namespace,
            now=self._database.clock.now(),
            idempotency_key=key,
            ring_in=ring_in,
            limits=self._database.limits,
            stack=complete(steps_of(data)),
            plans=plans,
            any_input=any_input,
            codec=self._database.codec,
        )

    def _callers(self, given: object) -> Connection:
        """Return the connection of a caller's transaction, in which quests are to be submitted."""
        connection = given.connection() if is_session(given) else given
        if not isinstance(connection, Connection):
            message = f"{type(given).__name__} is no connection that a quest can be submitted through"
            raise PayloadError(message, hint=_CONNECTION_HINT)
        self._database.check_callers(connection)
        return connection


def is_session(given: object) -> TypeIs[Session]:
    """Return whether something is a session of SQLAlchemy."""
    if isinstance(given, Connection):
        return False
    # 40 ms that only those need who have a session, and they have imported it.
    from sqlalchemy.orm import Session  # noqa: PLC0415

    return isinstance(given, Session)


_CONNECTION_HINT = (
    "pass SQLAlchemy's Connection or Session; AsyncQuestClient takes an async one, and this client does by "
    "await session.run_sync(lambda session: client.submit(quest, connection=session))"
)


def _any_input(on_conflict: str) -> bool:
    """Return whether a key that was used for another input gives the quest of that."""
    if on_conflict not in ("error", "return"):  # a tuple: what is compared need not be hashable
        raise PayloadError(f"on_conflict is {on_conflict!r:.100}", hint='write "error" or "return"')
    return on_conflict == "return"
