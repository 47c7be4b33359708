"""What may happen in a world, by name."""

#: Everything that may happen.
VERBS = (
    *("submit", "drop", "flush", "redispatch", "claim", "checkpoint", "fail", "release", "die", "lapse"),
    *("stray", "renew", "enter", "look", "sweep", "due", "late", "pause", "resume", "cancel", "retry", "replay"),
)
#: What repairs and goes on by itself, as far as it costs no fault: I10 allows itself these alone. A bell is dropped
#: also when it is acknowledged.
HELPFUL = frozenset(
    {"drop", "redispatch", "claim", "checkpoint", "fail", "look", "sweep", "due", "late", "lapse", "enter"}
)
