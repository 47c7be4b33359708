"""What streams tell, on both stores: each version once and in order, resumed anywhere, and nothing of others."""

from itertools import pairwise

import pytest

from questline_gateway.server import GatewayServer
from tests.contract.quests import Workbench
from tests.integration.gateway.live.event_reader import EventReader, everything, of, told


def test_a_quest_is_told_from_its_submission_to_its_end(bench: Workbench, server: GatewayServer) -> None:
    quest_id = bench.submit("a", "b", input_data={"secret": "s3cret"})
    with EventReader(of(server, quest_id)) as stream:
        events = stream.events()
        assert told(next(events)) == ("submitted", "new")
        claim = bench.claim(quest_id)
        assert told(next(events)) == ("status", "running")
        bench.controls.pause(quest_id, reason="s3cret")
        assert told(next(events)) == ("status", "pausing")
        bench.finish(claim, "s3cret")
        assert [told(next(events)) for _ in range(2)] == [("step_succeeded", "running"), ("paused", "paused")]
        bench.controls.resume(quest_id)
        assert told(next(events)) == ("status", "running")
        bench.fail(quest_id, "s3cret")
        rest = list(events)

    assert list(map(told, rest)) == [("failed", "failed"), ("ended", "failed")]
    assert stream.headers["Content-Type"].startswith("text/event-stream")
    assert (rest[0].event_id, rest[1].event_id) == (f"{quest_id}:3", f"{quest_id}:3:end")
    assert rest[0].data["position"] is not None
    assert rest[0].data["progress"] == {"completed": 1, "remaining": 1}
    assert "s3cret" not in str(rest)


def test_it_is_resumed_after_any_event_without_loss_or_double(
    bench: Workbench, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("questline_persistence.records.changes.quest_version.PAGE", 3)  # several pages
    quest_id = bench.submit(*["a"] * 8)
    bench.advance(quest_id, *range(7))
    bench.replay(quest_id, "v2")
    bench.advance(quest_id, *range(6))
    with EventReader(of(server, quest_id)) as stream:
        whole = list(stream.events())

    assert [event.data["version"] for event in whole] == [*range(15), 14]
    assert all(one.event_id != other.event_id for one, other in pairwise(whole))
    for number in (0, 5, 8, 14):
        with EventReader(of(server, quest_id), {"Last-Event-ID": str(whole[number].event_id)}) as stream:
            assert list(stream.events()) == whole[number + 1 :]
    with EventReader(f"{of(server, quest_id)}?after=12") as stream:
        assert list(stream.events()) == whole[13:]
    with EventReader(of(server, quest_id), {"Last-Event-ID": str(whole[-1].event_id)}) as stream:
        assert stream.status == 204


def test_who_knows_of_a_version_that_never_was_is_told_all(bench: Workbench, server: GatewayServer) -> None:
    quest_id = bench.end("completed")
    with EventReader(of(server, quest_id), {"Last-Event-ID": f"{quest_id}:99"}) as stream:
        assert [told(event)[0] for event in stream.events()] == ["submitted", "completed", "ended"]


def test_many_readers_of_a_moving_quest_each_get_every_version_once(bench: Workbench, server: GatewayServer) -> None:
    quest_id = bench.submit(*["a"] * 20)
    opened = []
    for number in range(20):  # each comes at another version
        opened.append(EventReader(of(server, quest_id)))
        bench.advance(quest_id, number)
    for stream in opened:
        with stream:
            versions = [event.data["version"] for event in stream.events() if event.name == "version"]
            assert versions == list(range(21))


def test_a_deleted_quest_ends_its_stream_and_a_strange_one_is_not_found(
    bench: Workbench, server: GatewayServer
) -> None:
    quest_id = bench.submit("a")
    with EventReader(of(server, quest_id)) as stream:
        events = stream.events()
        next(events)
        bench.execute("DELETE FROM tickets")
        for table in ("quest_snapshots", "quest_steps", "quest_executions"):
            bench.execute(f"DELETE FROM {table}")
        assert [told(event) for event in events] == [("deleted", None)]
    other = Workbench(bench.url, "other")
    with EventReader(of(server, other.submit("a"))) as stream:
        assert (stream.status, stream.json()["code"]) == (404, "not_found")
    other.close()


def test_a_namespace_tells_which_quests_change(bench: Workbench, server: GatewayServer) -> None:
    other = Workbench(bench.url, "other")
    with EventReader(everything(server)) as stream:
        events = stream.events()
        assert next(events).name == "ready"
        other.end("completed")
        quest_id = bench.submit("a")
        first = next(events)
        assert (first.name, first.data) == ("quest", {"quest_id": quest_id, "status": "new", "version": 0, "epoch": 0})
        bench.controls.cancel(quest_id)
        assert next(events).data["status"] == "cancelled"
        bench.repository.delete_quest(quest_id)
        gone = next(events)
        assert (gone.name, gone.data) == ("deleted", {"quest_id": quest_id})
    other.close()
