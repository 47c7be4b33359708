"""What callers send who want a verb done to many quests."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from questline_gateway.api.filters import MAX_WORD, MAX_WORDS
from questline_gateway.api.pages import moment_of
from questline_gateway.tenants import Tenant
from questline_persistence.batches import MAX_BATCH_NAME, MAX_START, BatchVerb
from questline_persistence.models import MAX_LABEL_KEY, MAX_LABEL_VALUE, MAX_LABELS, MAX_REASON
from questline_persistence.records import QuestFilter
from questline_persistence.states import ExecutionStatus

_Key = Annotated[str, Field(max_length=MAX_LABEL_KEY)]
_Value = Annotated[str, Field(max_length=MAX_LABEL_VALUE)]


class _Given(BaseModel):
    """A body that may hold what is documented, and nothing else."""

    model_config = ConfigDict(extra="forbid")


class Chosen(_Given):
    """Which quests are meant, as in the list of quests; at least one of these must be given."""

    status: list[ExecutionStatus] | None = Field(
        default=None,
        max_length=MAX_WORDS,
        description="any of these statuses; default: those in which the verb can be done",
    )
    quest_type: str | None = Field(default=None, max_length=MAX_WORD, description="the type")
    labels: dict[_Key, _Value] | None = Field(
        default=None, max_length=MAX_LABELS, description="every one of these must be on the quest"
    )
    queue: str | None = Field(default=None, max_length=MAX_WORD, description="the queue")
    since: str | None = Field(
        default=None, max_length=100, description="made since then: ISO 8601, or an age such as `2h` or `30d`"
    )
    until: str | None = Field(default=None, max_length=100, description="made before then, given likewise")
    error: str | None = Field(
        default=None,
        max_length=MAX_WORD,
        description="those whose error contains exactly this text; it takes the right to see payloads",
    )

    def read(self, here: Tenant) -> QuestFilter:
        """Return the filter that is meant.

        Parameters:
          here: the namespace, whose database tells the time from which ages count.

        Raises:
          PayloadError: a word cannot be read.
        """
        return QuestFilter(
            self.status,
            quest_type=self.quest_type,
            labels=self.labels,
            queue=self.queue,
            since=moment_of(self.since, here),
            until=moment_of(self.until, here),
            error=self.error,
        )


class BatchLookedAt(_Given):
    """A verb, and the quests that it is for."""

    verb: BatchVerb = Field(description="what to do to each quest; `delete` needs the scope `admin`")
    filter: Chosen = Field(description="which quests are meant")
    from_: str | None = Field(
        default=None, alias="from", max_length=MAX_START, description="of a replay: where it starts, as for one quest"
    )
    set: dict[str, Any] | None = Field(default=None, description="of a replay: corrections, as for one quest")
    keep_state: bool = Field(default=False, description="of a replay: leave what quests share as it is")


class BatchMade(BatchLookedAt):
    """A batch."""

    name: str | None = Field(default=None, min_length=1, max_length=MAX_BATCH_NAME, description="what to call it")
    reason: str | None = Field(default=None, max_length=MAX_REASON, description="why; the audit keeps it")
