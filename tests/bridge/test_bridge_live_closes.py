"""How a close or an error of the model's connection is named, and what a session within a call is told."""

from __future__ import annotations

import ssl

import pytest
from google.genai import errors
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidMessage, InvalidStatus
from websockets.frames import Close
from websockets.http11 import Response

from services.bridge.legs.live_closes import word_of_close, word_of_error
from services.bridge.legs.live_setup import ModelSetup, connect_config, has_history, within_call
from services.bridge.session.inputs import ToolResult
from services.bridge.session.said import Said
from services.bridge.session.seed import Seed

QUOTA = "You exceeded your current quota, please check your plan"
WRONG = "models/x is not found for API version v1beta, or not supported for bidiGenerateContent."


@pytest.mark.parametrize(
    ("code", "reason", "word"),
    [
        (1000, "", "closed_1000"),
        (1007, "Request contains an invalid argument.", "closed_1007"),
        (1008, WRONG, "wrong_model"),
        (1008, "Operation is not implemented, or supported, or enabled.", "closed_1008"),
        (1008, "The operation was aborted", "closed_1008"),
        (1011, "Deadline expired before operation could complete.", "closed_1011"),
        (1011, "Internal error encountered.", "closed_1011"),
        (1011, QUOTA, "quota"),
        (1011, "RESOURCE_EXHAUSTED", "quota"),
        (1011, "Maximum concurrent se", "quota"),
        (1013, "", "closed_1013"),
    ],
)
def test_closes(code: int, reason: str, word: str) -> None:
    assert word_of_close(code, reason) == word


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (TimeoutError(), "setup_timeout"),
        (InvalidStatus(Response(429, "Too Many Requests", Headers())), "refused_429"),
        (InvalidStatus(Response(503, "Unavailable", Headers())), "refused_503"),
        (errors.APIError(1007, "Invalid session resumption handle."), "refused_1007"),
        (errors.APIError(1008, WRONG), "wrong_model"),
        (errors.APIError(1011, QUOTA), "quota"),
        (ConnectionClosedError(Close(1011, "Internal error"), None), "closed_1011"),
        (ConnectionClosedError(None, None), "closed_1006"),
        (InvalidMessage("no HTTP"), "handshake_failed"),
        (ssl.SSLError("bad certificate"), "handshake_failed"),
        (ConnectionRefusedError(), "unreachable"),
        (ValueError("a field"), "setup_failed"),
    ],
)
def test_errors(error: Exception, word: str) -> None:
    assert word_of_error(error) == word


SETUP = ModelSetup("You take orders.", (), "[Say: hello]")
SEED = Seed(
    (
        Said("agent", "What would you like?"),
        Said("caller", "a burger " + "x" * 1_000),
        Said("agent", "That is one burger and a cola, 550 shillings.", 0.4),
    ),
    (ToolResult("c1", "addItem", {"status": "ok", "message": "Added.", "cart": {"lines": ["old"]}}),),
    {"lines": ["one burger"]},
    7,
)


def test_the_seed_stands_in_the_instruction_where_history_is_not_possible() -> None:
    told = within_call(SETUP, SEED, as_history=False)
    assert told.instruction.startswith("You take orders.\nTHE CALL IS UNDER WAY")
    assert 'THE ORDER NOW (version 7): {"lines": ["one burger"]}' in told.instruction
    assert "Added." in told.instruction
    assert "old" not in told.instruction, "only the newest cart is told"
    assert '{"agent": "What would you like?"}' in told.instruction
    assert '550 shillings.", "cut_off": "the caller heard about 40 % of it"}' in told.instruction
    assert len(told.instruction) < 1_500
    assert told.history == ()
    assert connect_config(told, "Kore").history_config is None


def test_the_last_lines_are_history_where_the_model_takes_it() -> None:
    told = within_call(SETUP, SEED, as_history=True)
    assert [role for role, _ in told.history] == ["model", "user", "model"]
    assert told.history[-1][1] == "That is one burger and a cola, 550 shillings."
    assert "What would you like?" not in told.instruction
    assert '550 shillings.", "cut_off": "the caller heard about 40 % of it"}' in told.instruction
    config = connect_config(told, "Kore", "h1")
    assert config.history_config is not None
    assert config.session_resumption is not None
    assert config.session_resumption.handle == "h1"


def test_only_newer_models_take_history() -> None:
    assert has_history("gemini-3.8-live")
    assert has_history("models/gemini-3.1-flash-live-preview")
    assert not has_history("gemini-2.5-flash-native-audio-preview-12-2025")
