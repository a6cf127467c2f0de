"""Fixtures of the orders tests."""

from orders_desk import desk  # noqa: F401 - a fixture
