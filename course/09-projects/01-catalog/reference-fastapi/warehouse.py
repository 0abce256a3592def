"""The origin: the truth about products, slow, and sometimes in trouble."""

import asyncio
from typing import Any, Dict, List, Optional

import httpx

AT_ONCE = 50  # requests of this process
PATIENCE = 4.0  # seconds for a request, with the wait for its turn


class Broken(Exception):
    """It cannot be reached, or answered nonsense."""


class Busy(Exception):
    """It did not answer in time. A change may have been done."""


class Warehouse:
    def __init__(self, url: str):
        self._http = httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def close(self) -> None:
        await self._http.aclose()

    async def product(self, id: int) -> Optional[Dict[str, Any]]:
        return await self._ask("GET", f"/products/{id}")

    async def change(self, id: int, what: str, body: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        return await self._ask("PUT", f"/products/{id}/{what}", json=body)

    async def products(self, **query: Any) -> List[Dict[str, Any]]:
        return (await self._ask("GET", "/products", params=query) or {})["items"]

    async def _ask(self, method: str, path: str, **more: Any) -> Optional[Dict[str, Any]]:
        """The answer; None when there is no such product."""
        try:
            return await asyncio.wait_for(self._in_turn(method, path, **more), PATIENCE)
        except (asyncio.TimeoutError, httpx.TimeoutException) as error:
            raise Busy from error
        except (httpx.HTTPError, ValueError) as error:
            raise Broken from error

    async def _in_turn(self, method: str, path: str, **more: Any) -> Optional[Dict[str, Any]]:
        async with self._turns:
            answer = await self._http.request(method, path, **more)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return answer.json()
