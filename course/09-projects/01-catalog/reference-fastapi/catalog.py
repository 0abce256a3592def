"""What the application does, without HTTP."""

import asyncio
import time
from typing import Any, Dict, List, Tuple

from shelf import Product, Shelf, ShelfDown
from warehouse import Warehouse

JOINED = 1.0  # seconds in which later readers join a reading: it answers what was true then
WAITED = 2.0  # seconds that a reader waits for the load of the other instance
POLL = 0.03


class NotFound(Exception):
    pass


class Catalog:
    def __init__(self, warehouse: Warehouse, shelf: Shelf):
        self._warehouse = warehouse
        self._shelf = shelf
        self._readings: Dict[int, Tuple[float, asyncio.Task]] = {}

    async def product(self, id: int) -> Dict[str, Any]:
        """All readers of one product in this process share one reading."""
        begun, reading = self._readings.get(id, (0.0, None))
        if reading is None or time.monotonic() - begun > JOINED:
            reading = asyncio.create_task(self._read(id))
            self._readings[id] = (time.monotonic(), reading)
            reading.add_done_callback(lambda done: self._forget(id, done))
        # Whoever leaves, leaves alone: the others are still waiting.
        found = await asyncio.shield(reading)
        if found is None:
            raise NotFound
        return found

    def _forget(self, id: int, reading: asyncio.Task) -> None:
        if self._readings.get(id, (0.0, None))[1] is reading:
            del self._readings[id]
        if not reading.cancelled():
            reading.exception()  # its readers were told

    async def _read(self, id: int) -> Product:
        """From Redis; else one process of all loads it, and the others wait."""
        end = time.monotonic() + WAITED
        try:
            while True:
                answer, found, token = await self._shelf.take(id)
                if answer == "found":
                    return found
                if answer == "lease":
                    return await self._load(id, token)
                if answer == "writing" or time.monotonic() > end:
                    return await self._warehouse.product(id)
                await asyncio.sleep(POLL)
        except ShelfDown:
            return await self._warehouse.product(id)

    async def _load(self, id: int, token: str) -> Product:
        try:
            found = await self._warehouse.product(id)
        except Exception:
            await self._quietly(self._shelf.release(id, token))
            raise
        await self._quietly(self._shelf.store(id, found, token))
        return found

    async def change(self, id: int, what: str, body: Dict[str, Any]) -> Dict[str, Any]:
        """The copy in Redis goes first: what could not be taken back is not changed.

        When the last step fails, or the warehouse does not say whether it did it,
        the mark stays until it ends; meanwhile everybody asks the warehouse.
        """
        await self._shelf.begin_writing(id)
        changed = await self._warehouse.change(id, what, body)
        await self._quietly(self._shelf.store(id, changed, writer=True))
        self._readings.pop(id, None)  # who comes now must not join an older reading
        if changed is None:
            raise NotFound
        return changed

    async def page(self, limit: int, after: int, q: str) -> Dict[str, Any]:
        items = await self._warehouse.products(after=after, limit=limit, q=q)
        more = len(items) == limit
        return {"items": items, "next": str(items[-1]["id"]) if more else None}

    async def related(self, id: int) -> List[Dict[str, Any]]:
        this = await self.product(id)
        items = await self._warehouse.products(category=this["category"], limit=6)
        return [other for other in items if other["id"] != id][:5]

    async def _quietly(self, step) -> None:
        try:
            await step
        except ShelfDown:
            pass  # slower, and not wrong
