"""What a step keeps and says on its way is sealed, and so is what a batch corrects."""

import pytest

from questline_persistence.batches import BatchBook, BatchOrder, BatchVerb
from questline_persistence.claims import OnceRecord, Progress
from questline_persistence.errors import EncryptionError
from questline_persistence.journal import recorded_calls
from questline_persistence.payload import HIDDEN
from questline_persistence.records import QuestFilter
from questline_persistence.step_log import LineKind, LogLine, StepLog, write_lines
from tests.contract.codec.conftest import CANARY
from tests.contract.codec.test_quests import HIDDEN_OBJECT, a_quest
from tests.contract.quests import ACTOR, Workbench


def test_what_a_call_made_once_came_to(bench: Workbench, keyless: Workbench) -> None:
    claim = bench.claim(a_quest(bench))
    assert bench.journal.record_once(
        OnceRecord(claim, "pay", 0, overlapped=False, result=f'"{CANARY}"', start_time=1.0, end_time=2.0)
    )

    assert [call.result for call in recorded_calls(bench.database, claim).calls] == [f'"{CANARY}"']
    with pytest.raises(EncryptionError):
        recorded_calls(keyless.database, claim)


def test_what_a_step_says(bench: Workbench, keyless: Workbench) -> None:
    claim = bench.claim(a_quest(bench))
    place = (claim.quest_id, 0, "0001", 1, claim.claim_id, claim.fence, 1, 1.0)
    write_lines(bench.database, [LogLine(*place, LineKind.LOG, "info", CANARY, f'{{"card":"{CANARY}"}}')])
    (line,) = StepLog(bench.database, "default").page(claim.quest_id).items
    (hidden,) = StepLog(keyless.database, "default").page(claim.quest_id).items

    assert (line.message, line.data) == (CANARY, f'{{"card":"{CANARY}"}}')
    assert (hidden.message, hidden.data) == (HIDDEN, f'"{HIDDEN}"')


def test_what_a_step_says_to_be_doing(bench: Workbench, keyless: Workbench) -> None:
    claim = bench.claim(a_quest(bench))
    bench.register.note_progress([Progress(claim.quest_id, claim.claim_id, 0.5, CANARY)])
    told = [one.repository.load_quest(claim.quest_id).steps[0].progress_message for one in (bench, keyless)]

    assert told == [CANARY, HIDDEN]


def test_what_a_batch_corrects(bench: Workbench, keyless: Workbench) -> None:
    chosen = QuestFilter("failed")
    BatchBook(bench.database, "default", ACTOR).create(
        BatchOrder(BatchVerb.REPLAY, chosen, set={"input_data.secret": CANARY})
    )
    told = [BatchBook(one.database, "default", ACTOR).page().items[0].order.set for one in (bench, keyless)]

    assert told == [{"input_data.secret": CANARY}, HIDDEN_OBJECT]
