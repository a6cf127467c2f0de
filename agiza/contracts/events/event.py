"""What every event is, and the fields that many of them have."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints

CallIdField = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{4,64}$")]
SlugField = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class Part(BaseModel):
    """A piece of an event. Unknown fields are ignored, so that a newer sender may add optional ones."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Part):
    """What all events share. The class decides its stream; ``branch_id`` and ``call_id`` go to the envelope."""

    type: ClassVar[str]
    version: ClassVar[int]

    branch_id: SlugField
    call_id: CallIdField | None = None

    def stream(self) -> str:
        """Name of the stream or channel on which this event travels."""
        raise NotImplementedError
