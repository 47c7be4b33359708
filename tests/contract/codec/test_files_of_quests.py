"""Quests of a store that encrypts are encrypted in a file, too, and are sealed anew where they are read."""

from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from questline_persistence.errors import EncryptionError
from questline_persistence.moving import Importing, export_quests
from questline_persistence.payload import CLEAR
from tests.contract.codec.conftest import CANARY, stored
from tests.contract.codec.test_quests import a_quest, secret
from tests.contract.quests import ACTOR, Workbench
from tests.payload_codec import sealing


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.quest"


def test_a_file_holds_what_the_store_holds_and_is_sealed_anew_for_its_place(
    open_bench: Callable[..., Workbench], file: Path
) -> None:
    bench = open_bench(codec=sealing("alpha"))
    quest_id = a_quest(bench)
    bench.advance(quest_id, secret("output"))
    export_quests(bench.database, "default", [quest_id], file, actor=ACTOR)
    with file.open("rb") as opened:
        assert CANARY.encode() not in zstandard.ZstdDecompressor().stream_reader(opened).read()

    other = open_bench("others", codec=sealing("beta", "alpha"))
    (made,) = Importing(other.database, "others", ACTOR, new_ids=True).take_in(file)
    (again,) = Importing(other.database, "others", ACTOR, new_ids=True).take_in(file)

    assert (made.changed, again.changed) == (True, False)
    assert CANARY not in stored(other.database)
    other.controls.resume(made.quest_id)
    other.advance(made.quest_id, secret("more"), "end")
    found = other.repository.load_quest(made.quest_id)
    assert (found.input_data, found.run_data) == (
        secret("input"),
        {"a": secret("output"), "b": secret("more"), "c": "end"},
    )


def test_without_the_key_a_file_is_not_imported(open_bench: Callable[..., Workbench], file: Path) -> None:
    bench = open_bench(codec=sealing("alpha"))
    export_quests(bench.database, "default", [a_quest(bench)], file, actor=ACTOR)

    with pytest.raises(EncryptionError, match="is encrypted with the key 'alpha'"):
        list(Importing(open_bench(codec=CLEAR).database, "default", ACTOR, new_ids=True).take_in(file))
