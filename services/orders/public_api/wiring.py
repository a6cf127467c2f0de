"""Puts the orders API into the service's application."""

from __future__ import annotations

from fastapi import FastAPI

from services.orders.public_api.access import ApiParts
from services.orders.public_api.contracts import contracts_router
from services.orders.public_api.document import ROUTERS, document_router
from services.orders.public_api.problems import handle_problems


def add_public_api(app: FastAPI, parts: ApiParts) -> None:
    """Serve everything under ``/v1``."""
    app.state.orders_api = parts
    for router in (*ROUTERS, document_router(), contracts_router()):
        app.include_router(router, include_in_schema=False)  # they have a document of their own
    handle_problems(app)
