"""Menus by branch and version, from ``orders``. A version never changes, so what was fetched once stays right."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

import httpx

from agiza.contracts import instructions, tools
from agiza.domain.menu import BranchFile, parse_branch
from services.bridge.legs.live_setup import ModelSetup
from services.bridge.openings import ANEW, Opening, earlier_words, first_words

KEPT_MAX: Final = 200
FETCH_S: Final = 2.0
ATTEMPTS: Final = 2


class MenuUnavailable(Exception):
    """``orders`` did not give the menu of this call. Without a menu nothing can be ordered."""

    retryable = True


class MenuCache:
    """The newest :data:`KEPT_MAX` menus that were asked for. Calls that want the same one wait for one fetch."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._kept: OrderedDict[tuple[str, int], BranchFile] = OrderedDict()
        self._locks: dict[tuple[str, int], asyncio.Lock] = {}

    async def get(self, branch_id: str, version: int) -> BranchFile:
        """Branch and menu at this version. Raises :class:`MenuUnavailable`."""
        key = (branch_id, version)
        async with self._locks.setdefault(key, asyncio.Lock()):
            try:
                if key not in self._kept:
                    self._kept[key] = await self._fetch(branch_id, version)
                self._kept.move_to_end(key)
            finally:
                self._locks.pop(key, None)
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
            return self._kept[key]

    async def _fetch(self, branch_id: str, version: int) -> BranchFile:
        path = f"/internal/branches/{branch_id}/menus/{version}"
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = await self._http.get(path, timeout=FETCH_S)
                response.raise_for_status()
                return parse_branch(response.json()["document"])
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                if attempt == ATTEMPTS:
                    raise MenuUnavailable(f"{type(error).__name__} for {path}") from error
        raise AssertionError("not reached")


def setup_of(branch_file: BranchFile, language: str, opening: Opening = ANEW) -> ModelSetup:
    """What the model of one leg is told about the branch, and about the time before, if there was any."""
    menu, branch = branch_file.menu, branch_file.branch
    return ModelSetup(
        instruction=instructions.system_instruction(menu, branch, language, earlier_words(opening)),
        declarations=tuple(tools.declarations(menu, branch)),
        opening=first_words(opening, branch, language),
        handle=opening.past.handle,
    )
