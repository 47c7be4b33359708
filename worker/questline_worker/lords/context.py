"""What a handler gets as its first argument."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

from questline_persistence.claims import Claim
from questline_persistence.costs import Cost
from questline_persistence.errors import PayloadError
from questline_persistence.log import CarefulLogger, get_logger
from questline_persistence.memory.step import Buffered, Remembering
from questline_persistence.models import MAX_STEPS, LordStep, as_step
from questline_persistence.step_names import StepName
from questline_persistence.writes import Pushes, Write
from questline_scheduler.step_defaults import complete
from questline_worker.lords.attempt_cost import AttemptCost
from questline_worker.lords.attempt_log import AttemptLog, Put
from questline_worker.lords.once import OnceCalls
from questline_worker.lords.outcomes import StepCancelled
from questline_worker.lords.outputs import Outputs


class LordContext:
    """One attempt of one step, as its handler sees it: the first argument of every handler.

    Parameters:
      claim: the hold on the step.
      outputs: the outputs of earlier Lords, as a mapping that reads only what is asked for.
      still_held: tells whether the claim still holds the step; it is asked often.
      tell: told how far the step is.
      remembering: what the step keeps beside its result.
      calls: the calls of this attempt that run once in a step.
      put: takes each line of the step's log.

    Example:
      ctx.log.info("designing", service=ctx.input_data["service"], attempt=ctx.attempt)
      charge(key=ctx.idempotency_key)
    """

    def __init__(
        self,
        claim: Claim,
        outputs: Outputs,
        still_held: Callable[[], bool],
        tell: Callable[[float, str], object] = lambda *_: None,
        remembering: Remembering | None = None,
        *,
        calls: OnceCalls | None = None,
        put: Put = lambda _: True,
    ) -> None:
        self._claim = claim
        self._tell = tell
        self._still_held = still_held
        self._pushed: list[LordStep] = []
        self._input: dict[str, Any] | None = None
        self._outputs = outputs
        self._remembering = remembering
        self._calls = calls
        self._put = put
        self._said: AttemptLog | None = None
        self._spent: AttemptCost | None = None

    @property
    def said(self) -> AttemptLog:
        """What this attempt says while it runs, made at its first word."""
        if self._said is None:
            self._said = AttemptLog(self._claim, self._put)
        return self._said

    @cached_property
    def log(self) -> CarefulLogger:
        """A structlog logger whose lines name the quest, the step and the attempt; `ctx.log("…")` is `ctx.log.info`.

        They are also kept with the step, for `questline logs`: a second later at most, and never at the cost of its
        result. Of one attempt 1,000 lines are kept, and a line says so where more are left out.
        """
        claim = self._claim
        return get_logger("questline.lord", heard=self.said.hear).bind(
            quest_id=claim.quest_id,
            position=claim.position,
            lord=claim.lord_name,
            tool=claim.tool_name,
            attempt=claim.attempt,
        )

    @property
    def quest_id(self) -> str:
        """The quest's id."""
        return self._claim.quest_id

    @property
    def quest_type(self) -> str:
        """The quest's type."""
        return self._claim.quest_type

    @property
    def namespace(self) -> str:
        """The tenant."""
        return self._claim.namespace

    @property
    def epoch(self) -> int:
        """The quest's replay number: how often it has been replayed."""
        return self._claim.epoch

    @property
    def position(self) -> str:
        """The step's place in the stack, as text that sorts: `0003`, or `0003.0001` for a step that it pushed."""
        return self._claim.position

    @property
    def lord_name(self) -> str:
        """The Lord of this step."""
        return self._claim.lord_name

    @property
    def tool_name(self) -> str:
        """The tool of this step."""
        return self._claim.tool_name

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1; attempts whose worker died do not count."""
        return self._claim.attempt

    @property
    def max_attempts(self) -> int:
        """How many failures the step may have; if `attempt` equals it, this attempt is the last one."""
        return self._claim.max_attempts

    @property
    def idempotency_key(self) -> str:
        """A name for this step's outside effects: the same over retries and crashes, another after a replay."""
        return self._claim.idempotency_key

    @property
    def fence(self) -> int:
        """A number that is higher with each claim of the quest, for outside systems that can refuse a lower one."""
        return self._claim.fence

    @property
    def input_data(self) -> dict[str, Any]:
        """The quest's input."""
        if self._input is None:
            self._input = self._claim.input_data
        return self._input

    @property
    def outputs(self) -> Outputs:
        """The outputs of earlier Lords, a mapping by their names that reads only what is asked for."""
        return self._outputs

    @property
    def params(self) -> dict[str, Any]:
        """The step's own parameters."""
        return self._claim.params

    @property
    def state(self) -> Any:
        """The states of agents, as `StateStore` keeps them; they are shared by all quests of the namespace.

        As with `events`, `context`, `todos`, `history` and `memory`, what you write is committed together with the
        result of the step, or not at all; you read your own writes before. In a coroutine the methods are awaited.
        `update` never conflicts for long; a save of what you have loaded makes the step run again if somebody else has
        saved it meanwhile.

        Example:
          planner = ctx.state.load_agent_state("planner")
          ctx.state.save_agent_state(AgentState(agent_id="planner", status="busy"))
        """
        return self._noun("state")

    @property
    def events(self) -> Any:
        """Events, as `StateStore` keeps them; those of the quest, unless you name another session."""
        return self._noun("events")

    @property
    def context(self) -> Any:
        """Contexts of workflows, as `ContextPersistence` keeps them; the quest's own, unless you name a workflow."""
        return self._noun("context")

    @property
    def todos(self) -> Any:
        """The to-do lists of the quest, as `DbTodoListManager` keeps them."""
        return self._noun("todos")

    @property
    def history(self) -> Any:
        """The execution history of the quest, as `ExecutionHistory` keeps it."""
        return self._noun("history")

    @property
    def memory(self) -> Any:
        """Lessons, as `Memories` keeps them; they are shared by all quests of the namespace."""
        return self._noun("memory")

    def _noun(self, name: str) -> Any:
        return self._kept_beside.noun(name)

    @property
    def kept(self) -> Buffered:
        """What the step keeps beside its result, row by row: `state`, `events` and the others are made of it.

        Raises:
          RuntimeError: this context was made without a store.
        """
        return self._kept_beside.kept

    @property
    def _kept_beside(self) -> Remembering:
        if self._remembering is None:
            raise RuntimeError("this context was made without a store, so it keeps nothing")
        return self._remembering

    @property
    def also(self) -> tuple[Write, ...]:
        """What the step writes besides its result, if that is committed."""
        pushes = (Pushes(self.pushed),) if self._pushed else ()
        return pushes if self._remembering is None else (*pushes, *self._remembering.writes)

    @property
    def pushed(self) -> tuple[LordStep, ...]:
        """The steps pushed so far."""
        return tuple(self._pushed)

    def progress(self, fraction: float, message: str = "") -> None:
        """Tell how far the step is, and stop here if it has been cancelled.

        It costs nothing: the next heartbeat of the process stores the newest call, and people see it from then on.

        Parameters:
          fraction: 0.0 to 1.0.
          message: what is being done; 500 characters of it are kept.

        Raises:
          ValueError: `fraction` is outside of 0 to 1.
          StepCancelled: the quest was cancelled or replayed, or the step given to another worker.
        """
        if math.isnan(fraction) or not 0.0 <= fraction <= 1.0:
            raise ValueError(f"fraction must be 0.0 to 1.0, not {fraction}")
        self._tell(fraction, str(message))
        self.log.debug("progress", fraction=round(fraction, 4), message=message)
        self.raise_if_cancelled()

    def once(self, name: str, function: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
        """Call a function once in this step, however often the step is attempted, and return what it has returned.

        The result is committed at once. A later attempt, after an error or a crash, gets it and calls nothing; only
        what was under way is called again. An error is not recorded. A replay makes all calls anew.

        Parameters:
          name: what the call is called, which tells its result from others'; used again, it becomes `name#2`.
          function: what is called; if it is async, `once` is awaited.
          args: its arguments.
          options: its keyword arguments. Two are ours: `retries`, how often it is called again after an error, after
            0.1 to 5 seconds each; and `timeout`, how many seconds it may take each time. A plain function that takes
            longer is left behind on a thread, where it goes on.

        Returns:
          what the function has returned, as JSON gives it back: a list for a tuple, a dict for a model.

        Raises:
          OnceMismatch: an earlier attempt has made other calls, or the same in another order; the step fails for good.
          PayloadError: the result is not JSON or larger than 1 MB, the name is unfit, or a step makes more than 1,000
            calls or records more than 16 MB; the step fails for good.
          StepCancelled: the quest was cancelled or replayed, or the step given to another worker.
          RuntimeError: this context was made without a store.

        Example:
          plan = ctx.once("plan", ask_model, service=ctx.input_data["service"], retries=2)
          pages = await asyncio.gather(*(ctx.once(f"page {url}", fetch, url) for url in ("/api", "/storage")))
        """
        if self._calls is None:
            raise RuntimeError("this context was made without a store, so it records nothing")
        return self._calls.call(name, function, *args, **options)

    def emit(self, value: Any) -> None:
        """Add a value to the step's log, such as a part of an answer that is still being made.

        It is kept and shown as a line of `ctx.log` is, counts as one, and costs the step no time.

        Parameters:
          value: anything that is JSON; of one that is larger than 64,000 bytes only that is told.

        Raises:
          PayloadError: it is no JSON; the step fails without another attempt.
        """
        self.said.emit(value)

    def cost(self, *, model: str = "", input_tokens: int = 0, output_tokens: int = 0, usd: float = 0.0) -> None:
        """Tell what the step has just spent. It adds up, and counts whatever becomes of the attempt.

        It is noted once the attempt has ended. Where a budget of the quest, its type or its namespace is used up by
        then, the quest is paused before its next step begins.

        Parameters:
          model: what it was spent on; 100 characters of it are kept.
          input_tokens: the tokens that the model was given.
          output_tokens: the tokens that it has made.
          usd: the price in US dollars.

        Raises:
          ValueError: a number is negative, or none.

        Example:
          ctx.cost(model="small", input_tokens=1200, output_tokens=80, usd=0.0041)
        """
        if self._spent is None:
            self._spent = AttemptCost()
        self._spent.add(model, input_tokens, output_tokens, usd)

    @property
    def spent_by_model(self) -> dict[str, Cost]:
        """How much this attempt has spent so far, by model."""
        return {} if self._spent is None else self._spent.by_model

    def close_log(self) -> None:
        """Tell what was left out of the step's log, now that the handler is done."""
        if self._said is not None:
            self._said.close()

    def push(self, *steps: LordStep | StepName) -> None:
        """Add steps right after this one; questline commits them together with this step's result.

        Parameters:
          steps: the steps, in the order in which they are to run.

        Raises:
          PayloadError: something is no step, or the quest would get too long; the step fails without another attempt.

        Example:
          ctx.push(LordStep("reviewer", "read", params={"file": "api.py"}), "forge_master:generate_code")
        """
        if len(self._pushed) + len(steps) > MAX_STEPS:
            count = len(self._pushed) + len(steps)
            raise PayloadError(f"{count:,} pushed steps are too many; a quest may have {MAX_STEPS:,} at most")
        self._pushed += complete([as_step(step) for step in steps])

    def raise_if_cancelled(self) -> None:
        """Stop here if this attempt no longer counts. It costs nothing, so call it in every loop.

        Raises:
          StepCancelled: the quest was cancelled or replayed, or the step given to another worker.
        """
        if not self._still_held():
            raise StepCancelled(f"this attempt of {self.idempotency_key} no longer counts")
