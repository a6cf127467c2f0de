"""How the REST interface says no."""

from __future__ import annotations


class RestRefused(Exception):
    """An answer of the REST interface in its own error envelope."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers
