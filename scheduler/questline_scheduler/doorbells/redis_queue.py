"""One queue of doorbells in Redis, and the scripts that keep its two parts apart.

A bell is nowhere, or in `ready`, or in `held` by exactly one worker. `ready` is a sorted set, so that a bell
cannot be queued twice; its members are the messages' ids, which say everything. `held` maps an id to the
broker's time at which it was fetched, its place in `ready`, and the worker. `wake` holds tokens for consumers
that wait; that of a bell which comes alone is its id, so that who is woken need not ask for it. Such a bell stays in
`ready` until its consumer says with the next fetch that it took it: whoever else fetches it meanwhile fails to claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from redis.commands.core import Script

from questline_persistence.failpoints import failpoint
from questline_scheduler.doorbells.bell_message import MAX_MESSAGE_BYTES
from questline_scheduler.doorbells.redis_link import RedisLink

#: A bell that its holder has not answered after this many milliseconds may be rung again: the holder may
#: have died unnoticed, or have it waiting behind a long step. The claim decides if both run it.
HELD_MILLIS = 2_000
#: Most bells that one script call takes; it keeps the server from its other clients for about a millisecond.
CHUNK = 500
#: Most tokens on the wake list; an idle consumer that gets none looks for itself within a second.
MAX_TOKENS = 64
#: Who watches is told once in so many milliseconds that something moves, however much does.
TOLD_MILLIS = 100
#: A token that names no bell.
NO_ID = b"1"
#: Distance between two priorities in `ready`; turns grow by one, and 1,000 priorities stay exact in a double.
PRIORITY_STRIDE = 10**12

_COMMON = f"""
local ready, held, wake = KEYS[1], KEYS[2], KEYS[3]

local function millis()
  local time = redis.call("TIME")
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function ring_tokens(count, id)
  local token = count == 1 and redis.call("ZCARD", ready) == 1 and id or "{NO_ID.decode()}"
  for _ = 1, math.min(count, {MAX_TOKENS}) do redis.call("RPUSH", wake, token) end
  redis.call("LTRIM", wake, -{MAX_TOKENS}, -1)
end

local function tell_watchers()
  local now, told = millis(), tonumber(redis.call("HGET", KEYS[4], "told") or 0)
  if math.abs(now - told) < {TOLD_MILLIS} then return end  -- the clock may have been set back
  redis.call("HSET", KEYS[4], "told", string.format("%.0f", now))
  redis.pcall("PUBLISH", KEYS[4], "")  -- a user who may not tell rings all the same
end
"""

#: KEYS also: the counter of turns, the names of all queues; the fourth is what watchers hear.
#: ARGV: the queue's name, priority, id, priority, id, ...
_RING = (
    _COMMON
    + f"""
local ids, placed, now = {{}}, {{}}, millis()
for i = 3, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
local turn, holds = redis.call("INCRBY", KEYS[5], #ids), redis.call("HMGET", held, unpack(ids))
redis.call("SADD", KEYS[6], ARGV[1])
for i, id in ipairs(ids) do
  local hold = holds[i]
  if hold and now - tonumber(string.match(hold, "^%d+") or 0) >= {HELD_MILLIS} then
    redis.call("HDEL", held, id)
    hold = false
  end
  if not hold then
    placed[#placed + 1] = string.format("%.0f", turn - (#ids - i) - ARGV[2 * i] * {PRIORITY_STRIDE})
    placed[#placed + 1] = id
  end
end
if #placed == 0 then return 0 end
local rung = redis.call("ZADD", ready, "NX", unpack(placed))
ring_tokens(rung, #placed == 2 and placed[2])
tell_watchers()
return rung
"""
)

#: ARGV: worker, how many to fetch, of how many the token told, their ids, ids that the worker is done with ...
_FETCH = (
    _COMMON
    + f"""
local told = 3 + ARGV[3]
for i = 4, told do
  local place = redis.call("ZSCORE", ready, ARGV[i])
  if place then
    redis.call("ZREM", ready, ARGV[i])
    redis.call("HSET", held, ARGV[i], string.format("%.0f %s %s", millis(), place, ARGV[1]))
  end
end
for i = told + 1, #ARGV do
  local hold = redis.call("HGET", held, ARGV[i])
  if hold and string.match(hold, "^%d+ %S+ (.*)$") == ARGV[1] then redis.call("HDEL", held, ARGV[i]) end
end
if #ARGV > told then tell_watchers() end
local fetched, wanted = {{}}, tonumber(ARGV[2])
if wanted == 0 then return fetched end
local popped, now = redis.call("ZPOPMIN", ready, wanted), millis()
for i = 1, #popped, 2 do
  if #popped[i] <= {MAX_MESSAGE_BYTES} then
    redis.call("HSET", held, popped[i], string.format("%.0f %s %s", now, popped[i + 1], ARGV[1]))
  end
  fetched[#fetched + 1] = string.sub(popped[i], 1, {MAX_MESSAGE_BYTES + 1})
end
if redis.call("EXISTS", ready) == 0 then redis.call("DEL", wake) end
return fetched
"""
)

#: ARGV: worker, ids that it still has in hand ...
_RECLAIM = (
    _COMMON
    + """
local kept, count, holds = {}, 0, redis.call("HGETALL", held)
for i = 2, #ARGV do kept[ARGV[i]] = true end
for i = 1, #holds, 2 do
  local place, worker = string.match(holds[i + 1], "^%d+ (%S+) (.*)$")
  if worker == ARGV[1] and not kept[holds[i]] then
    redis.call("HDEL", held, holds[i])
    redis.call("ZADD", ready, "NX", place, holds[i])
    count = count + 1
  end
end
ring_tokens(count)
return count
"""
)

#: The scripts, by the failpoint that stands before and after each.
_SCRIPTS = {"broker.ring": _RING, "broker.fetch": _FETCH, "broker.reclaim": _RECLAIM}


def prefix_of(namespace: str) -> str:
    """Return what all keys of a namespace begin with; the braces keep them on one node of a cluster."""
    return f"questline:{{{namespace}}}"


def names_key(prefix: str) -> str:
    """Return the key under which the names of all queues in a namespace are kept."""
    return f"{prefix}:queues"


def moves_key(prefix: str) -> str:
    """Return the key, and the channel, by which watchers of a namespace are told that something moves."""
    return f"{prefix}:moves"


def keys_of(prefix: str, queue: str) -> list[str]:
    """Return the keys of a queue: ready, held, wake, turn."""
    return [f"{prefix}:queue:{queue}:{part}" for part in ("ready", "held", "wake", "turn")]


class RedisQueue:
    """The doorbells of one queue in one namespace. Its methods raise what the Redis client raises.

    Parameters:
      link: the way to Redis, not yet connected.
      prefix: what all keys of the namespace begin with.
      name: the queue.
    """

    def __init__(self, link: RedisLink, prefix: str, name: str) -> None:
        self._link = link
        self._name = name
        self._names, self._moves = names_key(prefix), moves_key(prefix)
        self._scripts: dict[str, Script] = {}
        self.ready, self.held, self.wake, self.turn = keys_of(prefix, name)

    def ring(self, bells: Sequence[tuple[str, int]]) -> int:
        """Queue the bells, given as id and priority, that are neither queued nor held; return how many those were."""
        rung = 0
        for start in range(0, len(bells), CHUNK):
            pairs = [part for name, priority in bells[start : start + CHUNK] for part in (priority, name)]
            rung += self._run("broker.ring", [self._name, *pairs], self.turn, self._names)
        return rung

    def fetch(self, worker_id: str, wanted: int, done: Iterable[bytes] = (), told: Sequence[bytes] = ()) -> list[bytes]:
        """Forget what the worker is done with, and give it at most `wanted` ids, the most urgent first.

        An id that is too long is cut one byte beyond the limit, and not held.

        Parameters:
          worker_id: who holds them from now on.
          wanted: how many ids to return at most.
          done: ids that the worker is done with.
          told: ids that the worker took when a token told it of them.
        """
        fetched: list[bytes] = self._run("broker.fetch", [worker_id, min(wanted, CHUNK), len(told), *told, *done])
        return fetched

    def missing(self, ids: Sequence[str]) -> list[str]:
        """Return those of these ids that are neither queued nor held; the two are read at one time."""
        missing: list[str] = []
        for start in range(0, len(ids), CHUNK):
            some = [*ids[start : start + CHUNK]]
            with self._link.client.pipeline(transaction=True) as pipe:
                pipe.zmscore(self.ready, some)
                pipe.hmget(self.held, some)
                queued, held = pipe.execute()
            missing += [
                name for name, place, hold in zip(some, queued, held, strict=True) if place is None and not hold
            ]
        return missing

    def reclaim(self, worker_id: str, kept: Iterable[bytes] = ()) -> int:
        """Put what a worker holds back into its place.

        Parameters:
          worker_id: the worker.
          kept: ids that it still has in hand, and goes on to hold.

        Returns:
          how many were put back.
        """
        count: int = self._run("broker.reclaim", [worker_id, *kept])
        return count

    def listen(self, seconds: float) -> bytes | None:
        """Wait for a token: an id, or `NO_ID` where more than one bell is to be fetched.

        Parameters:
          seconds: the longest to wait; 0 would be for ever.

        Returns:
          the token, or None if none came.
        """
        token = cast("list[bytes] | None", self._link.client.blpop([self.wake], timeout=seconds))
        return None if token is None else token[1]

    def pass_on(self, token: bytes) -> None:
        """Give a token back, for another consumer."""
        self._link.client.rpush(self.wake, token)

    def size(self) -> int:
        """Return how many bells are queued or held."""
        with self._link.client.pipeline(transaction=True) as pipe:
            pipe.zcard(self.ready)
            pipe.hlen(self.held)
            return sum(pipe.execute())

    def clear(self) -> None:
        """Forget all bells."""
        self._link.client.delete(self.ready, self.held, self.wake)

    def remove(self) -> None:
        """Leave no key of the queue behind."""
        self._link.client.delete(self.ready, self.held, self.wake, self.turn)
        self._link.client.srem(self._names, self._name)

    def _script(self, point: str) -> Script:
        if not self._scripts:  # two threads may both make them, which does no harm; a lock would let each wait in turn
            self._scripts = {name: self._link.client.register_script(text) for name, text in _SCRIPTS.items()}
        return self._scripts[point]

    def _run(self, point: str, arguments: list[Any], *keys: str) -> Any:
        """Run the script of a failpoint on the queue's keys and these."""
        failpoint(point)
        keys_of_all = [self.ready, self.held, self.wake, self._moves, *keys]
        reply = self._script(point)(keys=keys_of_all, args=cast("Any", arguments), client=self._link.client)
        failpoint(point, "done")
        return reply
