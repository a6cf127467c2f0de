"""Fixtures of the end-to-end tests; see e2e_system.py."""

from e2e_system import piper, system

__all__ = ["piper", "system"]
