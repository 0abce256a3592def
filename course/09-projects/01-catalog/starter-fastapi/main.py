"""The catalog of unit 9.01, to begin with: every request is passed through to the
warehouse. It is right, but for some mistakes that it does not refuse, and slow.
contract.yaml says what it is to become.
"""

import os
from contextlib import asynccontextmanager
from typing import Any, Optional

import httpx
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from redis.asyncio import Redis


class Price(BaseModel):
    price_cents: int  # To do: a price below zero is refused.


class Stock(BaseModel):
    stock: int  # To do: so is a stock below zero.


@asynccontextmanager
async def lifespan(app: FastAPI):
    # To do: how long may the warehouse be silent, and how many may ask it at once?
    app.state.warehouse = httpx.AsyncClient(base_url=os.environ["ORIGIN_URL"], timeout=30, trust_env=False)
    app.state.redis = Redis.from_url(os.environ["REDIS_URL"])  # connects when it is used: nothing does yet
    yield
    await app.state.redis.close()
    await app.state.warehouse.aclose()


app = FastAPI(title="Catalog")
app.router.lifespan_context = lifespan  # from FastAPI 0.93 on: FastAPI(lifespan=lifespan)


def problem(status: int, title: str) -> JSONResponse:
    """An error as RFC 9457 has it."""
    return JSONResponse({"title": title, "status": status}, status, media_type="application/problem+json")


@app.exception_handler(HTTPException)
async def http_error(request: Request, error: HTTPException) -> JSONResponse:
    return problem(error.status_code, str(error.detail))


@app.exception_handler(RequestValidationError)
async def bad_request(request: Request, error: RequestValidationError) -> JSONResponse:
    return problem(422, "The request breaks a rule.")


async def ask(method: str, path: str, **more: Any) -> Any:
    try:
        answer = await app.state.warehouse.request(method, path, **more)
    except httpx.HTTPError:
        raise HTTPException(502, "The warehouse cannot be reached.")
    if answer.status_code == 404:
        raise HTTPException(404, "There is no such product.")
    if answer.status_code != 200:
        raise HTTPException(502, "The warehouse is in trouble.")
    return answer.json()


@app.get("/healthz")
async def healthz():
    return {"status": "alive"}


@app.get("/readyz")
async def readyz():
    return {"status": "ready"}


@app.get("/products")
async def products(limit: int = 20, cursor: Optional[int] = None, q: str = ""):
    # To do: the contract has bounds for the limit.
    page = await ask("GET", "/products", params={"after": cursor or 0, "limit": limit, "q": q})
    items = page["items"]
    return {"items": items, "next": str(items[-1]["id"]) if len(items) == limit else None}


@app.get("/products/{id}")
async def product(id: int):
    return await ask("GET", f"/products/{id}")


@app.put("/products/{id}/price")
async def set_price(id: int, price: Price):
    return await ask("PUT", f"/products/{id}/price", json={"price_cents": price.price_cents})


@app.put("/products/{id}/stock")
async def set_stock(id: int, stock: Stock):
    return await ask("PUT", f"/products/{id}/stock", json={"stock": stock.stock})


@app.get("/products/{id}/related")
async def related(id: int):
    this = await ask("GET", f"/products/{id}")
    same = await ask("GET", "/products", params={"category": this["category"], "limit": 6})
    return {"items": [other for other in same["items"] if other["id"] != id][:5]}


if __name__ == "__main__":
    host, port = os.environ["ADDR"].rsplit(":", 1)
    uvicorn.run(app, host=host, port=int(port), access_log=False, log_level="warning")
