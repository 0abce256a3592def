"""What is kept in Redis, and what happens when Redis is gone.

    catalog:{<id>}        <version>:<product as JSON>; 0: for one that does not exist;
                          w for one that is being changed
    catalog:{<id>}:lease  who is loading it

All keys end by themselves.
"""

import asyncio
import json
import random
import secrets
from typing import Any, Dict, Optional, Tuple

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

KEPT = 300_000  # ms a product stays; some a little longer, so that not all end at once
UNKNOWN_KEPT = 60_000  # ms it is remembered that there is no such product
LEASE = 6_000  # ms a load may take: longer than the warehouse's patience
WRITING = 10_000  # ms nobody may store what is being changed
STEP = 1.0  # seconds that Redis may take for a command
PROBE = 0.25  # seconds between two looks whether it is back

# KEYS value, lease. ARGV token, lease in ms. Returns the value, or "lease" when the
# caller may load it, or "wait" when somebody else does.
TAKE = """
local value = redis.call('GET', KEYS[1])
if value then return value end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 'lease' end
return 'wait'
"""

# KEYS value, lease. ARGV version, value, ttl in ms, token, 1 for a writer.
# Stores the value unless a newer one is there, or one that is being changed.
STORE = """
if redis.call('GET', KEYS[2]) == ARGV[4] then redis.call('DEL', KEYS[2]) end
local now = redis.call('GET', KEYS[1])
if now == 'w' and ARGV[5] ~= '1' then return 0 end
if now and now ~= 'w' and tonumber(string.match(now, '^%d+')) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2], 'PX', ARGV[3])
return 1
"""

# KEYS lease. ARGV token. Gives a lease back.
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

Product = Optional[Dict[str, Any]]  # None: there is no such product


# What it looks like when Redis is gone. Under uvloop, which uvicorn takes where it is
# installed, a connection that was closed meanwhile is a RuntimeError.
GONE = (RedisError, OSError, RuntimeError)


class ShelfDown(Exception):
    """Redis does not answer."""


def keys(id: int) -> Tuple[str, str]:
    return f"catalog:{{{id}}}", f"catalog:{{{id}}}:lease"


class Shelf:
    """After one failure nobody asks Redis until a probe was answered."""

    def __init__(self, url: str):
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=64,
            timeout=STEP,
            socket_timeout=STEP,
            socket_connect_timeout=STEP,
            decode_responses=True,
        )
        self._redis = Redis(connection_pool=pool)
        self._take = self._redis.register_script(TAKE)
        self._store = self._redis.register_script(STORE)
        self._release = self._redis.register_script(RELEASE)
        self._probe: Optional[asyncio.Task] = None

    async def close(self) -> None:
        if self._probe:
            self._probe.cancel()
        await self._redis.close()

    async def take(self, id: int) -> Tuple[str, Product, str]:
        """("found", product, ""), ("lease", None, token), or ("wait" or "writing", None, "")."""
        token = secrets.token_hex(8)
        value = await self._do(self._take(keys(id), [token, LEASE]))
        if value == "lease":
            return "lease", None, token
        if value == "wait":
            return "wait", None, ""
        if value == "w":
            return "writing", None, ""
        text = value.partition(":")[2]
        return "found", json.loads(text) if text else None, ""

    async def store(self, id: int, product: Product, token: str = "", writer: bool = False) -> None:
        version, text, kept = 0, "", UNKNOWN_KEPT
        if product is not None:
            version, text, kept = product["version"], json.dumps(product), KEPT + random.randrange(KEPT // 10)
        await self._do(self._store(keys(id), [version, text, kept, token, int(writer)]))

    async def release(self, id: int, token: str) -> None:
        await self._do(self._release([keys(id)[1]], [token]))

    async def begin_writing(self, id: int) -> None:
        await self._do(self._redis.set(keys(id)[0], "w", px=WRITING))

    async def _do(self, command):
        if self._probe:
            command.close()
            raise ShelfDown
        try:
            return await command
        except GONE as error:
            if not self._probe:
                self._probe = asyncio.create_task(self._until_back())
            raise ShelfDown from error

    async def _until_back(self) -> None:
        while True:
            await asyncio.sleep(PROBE)
            try:
                await self._redis.ping()
                break
            except GONE:
                pass
        self._probe = None
