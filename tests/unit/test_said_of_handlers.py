"""What the reference says of a handler's own methods: each with the parameters that it has."""

import inspect
import re
from pathlib import Path

from questline_persistence.memory.step.nouns import QuestContexts, QuestEvents, QuestHistory, QuestTodoLists

NOUNS = {"events": QuestEvents, "context": QuestContexts, "todos": QuestTodoLists, "history": QuestHistory}
REFERENCE = Path(__file__).parents[2] / "docs/reference/python.md"
ROW = re.compile(r"^\| `ctx\.(\w+)\.(\w+)\((.*)\)` \|", re.MULTILINE)


def test_the_reference_says_what_a_handlers_methods_take() -> None:
    told = {(noun, method): parameters for noun, method, parameters in ROW.findall(REFERENCE.read_text())}

    assert {noun for noun, _ in told} == {*NOUNS}
    for (noun, method), parameters in told.items():
        taken = inspect.signature(getattr(NOUNS[noun], method)).parameters.values()
        plain = [one.replace(annotation=one.empty) for one in taken if one.name != "self"]
        signature = str(inspect.Signature(plain)).replace("<ActorType.AGENT: 'agent'>", '"agent"')
        assert f"({parameters})" == signature.replace("'", '"'), (noun, method)


def test_the_reference_leaves_none_out_that_only_a_handler_has() -> None:
    told = {(noun, method) for noun, method, _ in ROW.findall(REFERENCE.read_text())}
    own = {(noun, name) for noun, kind in NOUNS.items() for name in vars(kind) if not name.startswith("_")}
    assert own == told
