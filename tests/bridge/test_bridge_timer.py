"""A deadline that has passed when it is set: uvloop answers with a handle that knows no time."""

from __future__ import annotations

import uvloop


def test_a_passed_deadline_has_no_time_on_uvloop() -> None:
    """Why the driver keeps the time itself; when this fails, it need not any more."""
    loop = uvloop.new_event_loop()
    try:
        handle = loop.call_at(loop.time() - 1, lambda: None)
        assert not hasattr(handle, "when")
        handle.cancel()
    finally:
        loop.close()
