"""Which language a call is held in. The caller may ask for another one that the branch speaks, at any time.

The model speaks either; what follows from the switch is everything that is said for it or about it: our own sentences,
those of ``orders`` and of the escalation service, the person who takes over, the next leg.
"""

from __future__ import annotations

from services.bridge.session.inputs import JsonObject
from services.bridge.session.sayings import language_name, switched
from services.bridge.session.tools import refusal


class Tongue:
    """The languages of the branch, once they are known, and the answer to ``switchLanguage``."""

    def __init__(self) -> None:
        self._offered: tuple[str, ...] = ()

    def offer(self, languages: tuple[str, ...]) -> None:
        """The branch speaks these."""
        self._offered = languages

    def answer(self, args: JsonObject, present: str) -> tuple[JsonObject, str | None]:
        """What the model is told, and the language to go on in if that is another one than ``present``."""
        wanted = args.get("language")
        if not isinstance(wanted, str) or wanted not in self._offered:
            spoken = " and ".join(language_name(code) for code in self._offered) or language_name(present)
            return refusal("unknown_language", f"This branch speaks {spoken}. Go on in what you spoke before."), None
        code = "no_change" if wanted == present else "language_switched"
        response = {"status": "ok", "code": code, "language": wanted, "message": switched(wanted)}
        return response, None if wanted == present else wanted
