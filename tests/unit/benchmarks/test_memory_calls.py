"""What W14 holds the calls to that keep and find what Lords remember."""

from benchmarks.harness.memory_calls import limits

#: By the beginning of a call's name: how long people were told that it takes at most, in milliseconds.
TOLD = {
    "agent state save": 5,
    "agent state load": 2,
    "event save": 3,
    "event search": 50,
    "list of 100 agents": 10,
    "snapshot create": 2,
    "snapshot restore": 5,
    "context save": 50,
    "context load": 50,
    "batch of 10 contexts": 100,
    "latest context of a story": 50,
    "versions of a story": 50,
    "contexts of": 50,
    "active contexts": 50,
    "context to JSON": 10,
    "session state save": 50,
    "session state load": 50,
}


def test_every_call_is_held_to_what_people_were_told() -> None:
    told = {call: [limit for name, limit in TOLD.items() if call.startswith(name)] for call in limits()}

    assert told == {call: [limit] for call, limit in limits().items()}
    assert [name for name in TOLD if not any(call.startswith(name) for call in limits())] == []
