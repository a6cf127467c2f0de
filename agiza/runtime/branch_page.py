"""A page that belongs to one branch: its files, and a door that the branch's key opens.

    page = BranchPage("handoffs", STATIC, {"handoffs.js": JAVASCRIPT}, secrets=(...), is_https=True)
    router = page.router()                                # GET /handoffs/{branch}, its files, POST .../key

    def admitted(branch: Branch, agiza_branch_key: Annotated[str, Cookie()] = "") -> str:
        return page.admit(branch, agiza_branch_key)       # 401 without the key

The key is typed once and then lies in a cookie that only this branch's address of this page gets.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, HTTPException, Response
from fastapi import Path as Part
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from agiza.runtime.branch_keys import is_branch_key
from agiza.runtime.logs import get_logger

COOKIE: Final = "agiza_branch_key"
COOKIE_S: Final = 30 * 24 * 3600
JAVASCRIPT: Final = "text/javascript"
CSS: Final = "text/css"
HEADERS: Final = {
    # The page's own files and nothing else; text can become markup nowhere, not even by a mistake in a script.
    "content-security-policy": "default-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none';"
    " form-action 'self'; require-trusted-types-for 'script'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}

Branch = Annotated[str, Part(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]

log = get_logger(__name__)


class KeyGiven(BaseModel):
    model_config = ConfigDict(extra="forbid")
    key: str = Field(min_length=1, max_length=128)


class BranchPage:
    """The page ``{name}.html`` of the folder ``static``, with these files beside it by their media types."""

    def __init__(
        self, name: str, static: Path, files: Mapping[str, str], *, secrets: Sequence[str], is_https: bool
    ) -> None:
        self.name = name
        self._page = (static / f"{name}.html").read_bytes()
        self._files = {file: (static / file).read_bytes() for file in files}
        self._types = dict(files)
        self._secrets = tuple(secrets)
        self._is_https = is_https

    def admit(self, branch: str, key: str) -> str:
        """The branch, if this is its key; else 401."""
        if not is_branch_key(key, branch, self._secrets):
            raise HTTPException(401, "this page needs the branch's key", headers=HEADERS)
        return branch

    def from_page(self, x_requested_by: Annotated[str, Header()] = "") -> None:
        """A dependency of everything that changes something: 403 for what the page itself has not sent.

        A form of a foreign site can send the cookie where a browser is old, but never this header.
        """
        if x_requested_by != self.name:
            raise HTTPException(403, "only the page may do this", headers=HEADERS)

    def router(self) -> APIRouter:
        """Page, files and key. Wrong keys get 401 and are logged with the branch only."""
        router = APIRouter(prefix=f"/{self.name}", include_in_schema=False)

        @router.get("/static/{file}")
        async def static(file: str) -> Response:
            if file not in self._files:
                raise HTTPException(404, headers=HEADERS)
            return Response(self._files[file], media_type=self._types[file], headers=HEADERS)

        @router.get("/{branch}")
        async def show(branch: Branch) -> Response:
            return Response(self._page, media_type="text/html; charset=utf-8", headers=HEADERS)

        @router.post("/{branch}/key", dependencies=[Depends(self.from_page)])
        async def key(branch: Branch, given: KeyGiven) -> Response:
            if not is_branch_key(given.key, branch, self._secrets):
                log.warning("branch_key_refused", branch_id=branch)
                raise HTTPException(401, "this is not the key of this branch", headers=HEADERS)
            response = JSONResponse({"status": "ok"}, headers=HEADERS)
            response.set_cookie(
                COOKIE, given.key, max_age=COOKIE_S, path=f"/{self.name}/{branch}", secure=self._is_https,
                httponly=True, samesite="strict",
            )  # fmt: skip
            return response

        return router
