"""Three Lords of one test alone."""

import asyncio
from typing import Any

import pytest

from questline import LordContext, lord
from questline_scheduler import step_defaults
from questline_worker.lords import lords
from tests.integration.seed_000.three_lords import Calls, call


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Three Lords, registered for this test alone."""
    noted = Calls([], {}, {})
    monkeypatch.setattr(lords, "_HANDLERS", {})
    monkeypatch.setattr(step_defaults, "_DEFAULTS", {})

    @lord("architect", "design_system")
    def design_system(_ctx: LordContext, service: str) -> dict[str, Any]:
        call(noted, "architect")
        return {"service": service, "modules": ["api", "storage"]}

    @lord("forge_master", "generate_code")
    async def generate_code(_ctx: LordContext, architect: dict[str, Any]) -> dict[str, Any]:
        await asyncio.to_thread(call, noted, "forge_master")
        return {"files": [f"{architect['service']}/{name}.py" for name in architect["modules"]]}

    @lord("sentinel", "review_code")
    def review_code(ctx: LordContext) -> dict[str, Any]:
        call(noted, "sentinel")
        return {"approved": True, "reviewed": len(ctx.outputs["forge_master"]["files"])}

    return noted
