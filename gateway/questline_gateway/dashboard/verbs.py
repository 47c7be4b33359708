"""The verbs of an admin on a page: which apply to a quest now, and why another does not."""

from __future__ import annotations

from typing import NamedTuple

from questline_persistence.models import QuestExecutionData
from questline_persistence.states import TERMINAL, TRANSITIONS, ExecutionStatus


class Verb(NamedTuple):
    """A verb as a button.

    Parameters:
      name: the verb, as on the command line.
      icon: its icon.
      label: what the button says.
      key: the key that presses it, or "".
    """

    name: str
    icon: str
    label: str
    key: str = ""


#: What each verb does, as its form tells before it is sent.
MEANINGS = {
    "pause": "Nothing of it starts any more until it is resumed; a step that runs now still ends.",
    "resume": "It goes on from where it stands.",
    "cancel": "It stops for good. What its running step still returns is dropped.",
    "retry": "The failed step runs again, with the same input and all of its attempts. Earlier steps do not run again.",
    "replay": "It goes back to an earlier state and runs again from there, as its next epoch. The history is kept.",
    "fork": "A new quest starts from a state of this one, which stays as it is.",
    "delete": "The quest, its runs and its snapshots are removed. Nothing brings them back.",
}


def verbs_for(quest: QuestExecutionData) -> list[Verb]:
    """Return the verbs for a quest, the one that its state asks for first."""
    replay, fork = Verb("replay", "replay", "Replay…", "R"), Verb("fork", "fork", "Fork…")
    if quest.status is ExecutionStatus.FAILED:
        return [replay, Verb("retry", "retry", "Retry…", "r"), fork, Verb("delete", "x", "Delete…")]
    if quest.status in TERMINAL:
        return [replay, fork, Verb("delete", "x", "Delete…")]
    resumable = quest.status in TRANSITIONS["resume"].sources
    halt = Verb("resume", "play", "Resume…", "p") if resumable else Verb("pause", "pause", "Pause…", "p")
    return [halt, Verb("cancel", "cancelled", "Cancel…"), replay, fork]


def refused(name: str, quest: QuestExecutionData) -> str:
    """Return why a verb does not apply to a quest now; "" where it does."""
    if name == "delete":
        return "" if quest.status in TERMINAL else "It is live: cancel it first"
    transition = TRANSITIONS.get(name)
    if transition is None or quest.status in transition.sources:
        return ""
    return f"It {quest.status.told}"
