"""The catalog of unit 9.01, complete, written from contract.yaml alone.

main.py is HTTP, catalog.py decides, shelf.py is Redis, warehouse.py the origin.
Python 3.9, FastAPI 0.92 with either pydantic, redis-py 4.3 and httpx 0.23 will do.
"""

import os
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Optional

import uvicorn
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from catalog import Catalog, NotFound
from shelf import Shelf, ShelfDown
from warehouse import Busy, Broken, Warehouse


class Price(BaseModel):
    price_cents: int = Field(ge=0)


class Stock(BaseModel):
    stock: int = Field(ge=0)


@asynccontextmanager
async def lifespan(app: FastAPI):
    warehouse = Warehouse(os.environ["ORIGIN_URL"])
    shelf = Shelf(os.environ["REDIS_URL"])  # connects when it is used
    app.state.catalog = Catalog(warehouse, shelf)
    yield
    await shelf.close()
    await warehouse.close()


app = FastAPI(title="Catalog")
app.router.lifespan_context = lifespan  # from 0.93 on: FastAPI(lifespan=lifespan)


def problem(status: int, title: str) -> JSONResponse:
    return JSONResponse(
        {"title": title, "status": status}, status, media_type="application/problem+json"
    )


def answers_with(status: HTTPStatus, title: str):
    async def handler(request: Request, error: Exception) -> JSONResponse:
        return problem(status, title)

    return handler


app.exception_handler(NotFound)(answers_with(HTTPStatus.NOT_FOUND, "There is no such product."))
app.exception_handler(RequestValidationError)(
    answers_with(HTTPStatus.UNPROCESSABLE_ENTITY, "The request breaks a rule.")
)
app.exception_handler(Broken)(answers_with(HTTPStatus.BAD_GATEWAY, "The warehouse is in trouble."))
app.exception_handler(Busy)(answers_with(HTTPStatus.GATEWAY_TIMEOUT, "The warehouse does not answer."))
app.exception_handler(ShelfDown)(
    answers_with(HTTPStatus.SERVICE_UNAVAILABLE, "Changes have to wait a moment. Nothing was changed.")
)


@app.exception_handler(HTTPException)
async def http_error(request: Request, error: HTTPException) -> JSONResponse:
    return problem(error.status_code, str(error.detail))


@app.get("/healthz")
async def healthz():
    return {"status": "alive"}


@app.get("/readyz")
async def readyz():
    return {"status": "ready"}  # it serves without Redis too


@app.get("/products")
async def products(
    request: Request,
    limit: int = Query(20, ge=1, le=100),
    cursor: Optional[int] = Query(None, ge=0),
    q: str = "",
):
    return await request.app.state.catalog.page(limit, cursor or 0, q)


@app.get("/products/{id}")
async def product(request: Request, id: int):
    return await request.app.state.catalog.product(id)


@app.put("/products/{id}/price")
async def set_price(request: Request, id: int, price: Price):
    return await request.app.state.catalog.change(id, "price", {"price_cents": price.price_cents})


@app.put("/products/{id}/stock")
async def set_stock(request: Request, id: int, stock: Stock):
    return await request.app.state.catalog.change(id, "stock", {"stock": stock.stock})


@app.get("/products/{id}/related")
async def related(request: Request, id: int):
    return {"items": await request.app.state.catalog.related(id)}


if __name__ == "__main__":
    host, port = os.environ["ADDR"].rsplit(":", 1)
    uvicorn.run(app, host=host, port=int(port), access_log=False, log_level="warning")
