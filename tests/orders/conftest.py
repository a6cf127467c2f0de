"""Fixtures of the orders tests."""

from orders_api import api  # noqa: F401 - a fixture
from orders_desk import desk  # noqa: F401 - a fixture
