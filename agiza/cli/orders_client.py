"""The orders API for commands: one request, its answer, and refusals as the one line that says what to do."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from agiza.cli.errors import CliError
from agiza.cli.site import is_loopback

TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class ApiAccess:
    """Where the orders API is, and the key for it."""

    url: str
    key: str


class OrdersClient:
    """Asks the API. Made by :func:`open_orders`."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        """The JSON object that is answered; parameters that are None are left out. Raises :class:`CliError`."""
        given = {name: value for name, value in params.items() if value is not None}
        try:
            answer = await self._http.request(method, path, json=body, params=given)
        except httpx.HTTPError as error:
            raise CliError(
                f"the orders API does not answer ({type(error).__name__}): look at --url, or AGIZA_API_URL"
            ) from None
        content = _object(answer)
        if answer.status_code == 200 and content is not None:
            return content
        if content is None or "detail" not in content:
            raise CliError(f"what answers {answer.status_code} at this address is no orders API: look at --url")
        remedy = content.get("remedy")
        raise CliError(_line(f"{content['detail']}: {remedy}" if remedy else str(content["detail"])))


@contextlib.asynccontextmanager
async def open_orders(
    access: ApiAccess, *, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[OrdersClient]:
    """A client for the length of one command. Raises :class:`CliError`."""
    try:
        http = httpx.AsyncClient(
            base_url=access.url,
            headers={"authorization": f"Bearer {access.key}"},
            timeout=TIMEOUT_S,
            trust_env=not is_loopback(access.url),
            transport=transport,
        )
    except (httpx.InvalidURL, ValueError):
        raise CliError("the address of the API cannot be read: --url https://...") from None
    async with http:
        yield OrdersClient(http)


def _object(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        content = answer.json()
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _line(text: str) -> str:
    return " ".join(text.split())
