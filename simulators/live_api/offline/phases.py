"""The conversation's phases, what a caller may do in each, and which reaction follows. All of it is in one table."""

from collections.abc import Mapping
from enum import Enum
from typing import Literal, get_args


class Phase(Enum):
    GREETING = "greeting"
    ORDERING = "ordering"
    CHECKING = "checking"  # a yes-or-no question of the agent is open
    CHOOSING = "choosing"  # a question with several answers is open
    READ_BACK = "read_back"
    CLOSING = "closing"  # goodbye was said, the line is still open
    HANDED_OVER = "handed_over"
    ENDED = "ended"


Move = Literal[
    "edit",
    "number",
    "ask",
    "person",
    "yes",
    "no",
    "wrong",
    "done",
    "hold",
    "hello",
    "thanks",
    "goodbye",
    "repeat",
    "status",
    "cancel_order",
    "clear",
    "continue",
    "unclear",
]

Reaction = Literal[
    "order",
    "confirm",
    "decline",
    "choose",
    "leave_out",
    "place",
    "ask_to_place",
    "finish",
    "count",
    "answer",
    "escalate",
    "wait",
    "go_on",
    "ask_what_to_change",
    "repeat",
    "status",
    "cancel",
    "leave",
    "hang_up",
    "repair",
    "stay_quiet",
]

_USUAL: Mapping[Move, Reaction] = {
    "edit": "order",
    "number": "count",
    "ask": "answer",
    "person": "escalate",
    "yes": "finish",
    "no": "finish",
    "wrong": "ask_what_to_change",
    "done": "finish",
    "hold": "wait",
    "hello": "go_on",
    "thanks": "finish",
    "goodbye": "leave",
    "repeat": "repeat",
    "status": "status",
    "cancel_order": "cancel",
    "clear": "cancel",
    "continue": "go_on",
    "unclear": "repair",
}
_QUIET: Mapping[Move, Reaction] = dict.fromkeys(get_args(Move), "stay_quiet")

REACTIONS: Mapping[Phase, Mapping[Move, Reaction]] = {
    Phase.GREETING: {**_USUAL, "yes": "go_on", "no": "go_on", "wrong": "go_on", "thanks": "go_on"},
    Phase.ORDERING: _USUAL,
    Phase.CHECKING: {
        **_USUAL,
        "edit": "decline",
        "number": "decline",
        "yes": "confirm",
        "no": "decline",
        "wrong": "decline",
        "done": "decline",
        "hello": "repeat",
        "thanks": "repeat",
        "continue": "repeat",
    },
    Phase.CHOOSING: {
        **_USUAL,
        "edit": "choose",
        "number": "choose",
        "yes": "choose",
        "no": "leave_out",
        "wrong": "leave_out",
        "done": "leave_out",
        "hello": "repeat",
        "thanks": "repeat",
        "continue": "repeat",
        "unclear": "choose",
    },
    Phase.READ_BACK: {
        **_USUAL,
        "yes": "place",
        "no": "ask_what_to_change",
        "done": "ask_to_place",
        "hello": "ask_to_place",
        "thanks": "ask_to_place",
        "continue": "ask_what_to_change",
        "number": "ask_to_place",
    },
    Phase.CLOSING: {
        **_USUAL,
        "yes": "hang_up",
        "no": "hang_up",
        "done": "hang_up",
        "thanks": "hang_up",
        "goodbye": "hang_up",
        "number": "hang_up",
        "unclear": "hang_up",
    },
    Phase.HANDED_OVER: _QUIET,
    Phase.ENDED: _QUIET,
}
"""Every move in every phase. There is no move without a reaction; a test holds the table to that."""
