"""The URLs that the carrier is given: each names its call, branch and stage, and is signed.

urls = Urls(public, media, path_token, secret)
urls.next(call_id, branch_id, epoch)          urls.read(last_part, "next") -> (CallRef, epoch)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from agiza.carrier.tokens import CallRef, TokenRefused, check_call_ref, sign_call_ref

_STAGE: Final = re.compile(r"(next|status|dial|outbound)-(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the carrier finds us. A call's URLs carry its id, branch and stage, signed."""

    public: str
    media: str
    path_token: str
    secret: str

    def stream(self, token: str) -> str:
        """The media socket."""
        return f"{self.media.rstrip('/')}/media/{token}"

    def next(self, call_id: str, branch_id: str, epoch: int) -> str:
        """What the carrier runs after the Stream of this leg."""
        return self._signed("next", CallRef(call_id, branch_id, f"next-{epoch}"))

    def status(self, call_id: str, branch_id: str, epoch: int) -> str:
        """Where it reports on the Stream of this leg."""
        return self._signed("status", CallRef(call_id, branch_id, f"status-{epoch}"))

    def after_dial(self, call_id: str, branch_id: str, attempt: int) -> str:
        """What it runs after this Dial."""
        return self._signed("after-dial", CallRef(call_id, branch_id, f"dial-{attempt}"))

    def outbound(self, outbound_id: str, branch_id: str) -> str:
        """What the carrier asks when somebody picks up a call of ours."""
        return self._signed("outbound", CallRef(outbound_id, branch_id, "outbound-1"))

    def _signed(self, route: str, ref: CallRef) -> str:
        return f"{self.public.rstrip('/')}/carrier/{self.path_token}/{route}/{sign_call_ref(ref, self.secret)}"

    def read(self, text: str, kind: str) -> tuple[CallRef, int]:
        """The call in a signed URL and the number of its leg or Dial. Raises :class:`TokenRefused`."""
        ref = check_call_ref(text, (self.secret,))
        stage = _STAGE.fullmatch(ref.stage)
        if stage is None or stage[1] != kind:
            raise TokenRefused("malformed")
        return ref, int(stage[2])
