"""The read side of apps/catalog in FastAPI: asyncio, redis-py over hiredis, the same
database, the same Redis. It is there twice: as FastAPI is usually written, with a
response model, and as the fastest way, which hands the JSON on as it is stored.

    DATABASE=catalog.db REDIS_URL=redis://127.0.0.1:6379 LAYER=redis \
        python3 -m uvicorn app:app --workers 2 --loop uvloop --http httptools --no-access-log

LAYER is redis, or memory for a dict in each worker before it. STYLE is model, or
stored.
"""

import json
import os
import sqlite3
import time

import redis.asyncio as redis
from fastapi import FastAPI, HTTPException, Path, Response
from pydantic import BaseModel

TTL = 60  # of a product in Redis
MEMORY_TTL = 2  # and in this process

app = FastAPI()
store = sqlite3.connect(f"file:{os.environ['DATABASE']}?mode=ro", uri=True, check_same_thread=False)
cache = redis.from_url(os.environ["REDIS_URL"])
in_memory = os.environ.get("LAYER") == "memory"
memory: dict[int, tuple[float, bytes]] = {}

COLUMNS = ("id", "name", "category", "price_cents", "stock", "version")


def load(product_id: int) -> bytes | None:
    """Reads a product from the database, as JSON."""
    row = store.execute(f"SELECT {', '.join(COLUMNS)} FROM products WHERE id = ?", (product_id,)).fetchone()
    if row is None:
        return None
    return json.dumps(dict(zip(COLUMNS, row)), separators=(",", ":")).encode()


async def from_redis(product_id: int) -> bytes:
    key = f"fastapi:{product_id}"
    found = await cache.get(key)
    if found is None:
        found = load(product_id)
        if found is None:
            raise HTTPException(404)
        await cache.set(key, found, ex=TTL)
    return found


async def stored(product_id: int) -> bytes:
    """A product as JSON, through the layers."""
    if not in_memory:
        return await from_redis(product_id)
    until, found = memory.get(product_id, (0, b""))
    if until < time.monotonic():
        found = await from_redis(product_id)
        memory[product_id] = (time.monotonic() + MEMORY_TTL, found)
    return found


class Product(BaseModel):
    id: int
    name: str
    category: str
    price_cents: int
    stock: int
    version: int


if os.environ.get("STYLE") == "stored":

    @app.get("/products/{product_id}")
    async def read(product_id: int = Path(ge=1, le=2147483647)) -> Response:
        return Response(await stored(product_id), media_type="application/json")

else:

    @app.get("/products/{product_id}", response_model=Product)
    async def read(product_id: int = Path(ge=1, le=2147483647)) -> Product:
        return Product.parse_raw(await stored(product_id))
