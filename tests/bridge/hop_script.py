"""A script that loses its model sessions."""

from __future__ import annotations

from session_script import Script, only

from services.bridge.session import actions as a
from services.bridge.session import inputs as i

OK: dict[str, object] = {"status": "ok", "message": "Done."}
CART: dict[str, object] = {"status": "ok", "message": "Added.", "cart": {"lines": ["one burger"]}}


def with_handle(handle: str = "h1") -> Script:
    """A call in the middle of its talk, with a handle that is newer than all of it."""
    script = Script().talking()
    script.feed(i.ResumptionOffered(handle))
    return script


def dialled(script: Script) -> list[a.ConnectModel]:
    return only(script.log, a.ConnectModel)


def lose(script: Script, word: str) -> a.ConnectModel | None:
    """The newest session is gone, or could not be had; the order for the next one."""
    before = len(dialled(script))
    script.feed(i.ModelClosed(word, dialled(script)[-1].generation))
    after = dialled(script)[before:]
    return after[0] if after else None


def ready(script: Script) -> list[a.Action]:
    return script.feed(i.ModelReady(dialled(script)[-1].generation))


def person(script: Script) -> None:
    """The call goes to a person now, as soon as that is recorded, and says so in its report."""
    (asked,) = only(script.log, a.RequestHandoff)
    assert (asked.reason, asked.by_session) == ("technical", True)
    script.feed(i.HandoffAnswered(asked.request_id, "ann", "I am calling Ann."))
    assert script.report.outcome == "handoff"
    assert isinstance(script.log[-1], a.CloseCarrier)
