"""What every test of the Live simulator may start from."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.live_api.raw_client import SETUP


@pytest.fixture
def setup() -> dict[str, Any]:
    """A setup message's body, to be changed at will."""
    return copy.deepcopy(SETUP)
