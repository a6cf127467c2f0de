"""Media tokens and call references: only ours, only whole, only in time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.carrier.tokens import (
    MEDIA_TOKEN_SECONDS,
    CallRef,
    MediaTokenPayload,
    TokenRefused,
    check_call_ref,
    check_media_token,
    mint_media_token,
    sign_call_ref,
)

NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
SECRET = "a-secret-of-the-tests-0123456789"
PAYLOAD = MediaTokenPayload(
    call_id="HD_7c21e04ab9f3",
    branch_id="westlands",
    menu_version=3,
    epoch=0,
    exp=int(NOW.timestamp()) + MEDIA_TOKEN_SECONDS,
    nonce="Zm9vYmFyYmF6cXV4Zm9v",
    lang="en",
    withheld=False,
    trace="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)
REF = CallRef("HD_7c21e04ab9f3", "westlands", "next")


def test_token_comes_back_whole() -> None:
    assert check_media_token(mint_media_token(PAYLOAD, SECRET), [SECRET], NOW) == PAYLOAD


def test_media_url_stays_under_the_carriers_512_bytes() -> None:
    assert len("wss://bridge.example.co.ke/media/" + mint_media_token(PAYLOAD, SECRET)) < 512


def test_older_secret_is_accepted_while_secrets_rotate() -> None:
    token = mint_media_token(PAYLOAD, "the-older-secret")
    assert check_media_token(token, [SECRET, "the-older-secret"], NOW) == PAYLOAD


@pytest.mark.parametrize(("late_s", "good"), [(MEDIA_TOKEN_SECONDS - 1, True), (MEDIA_TOKEN_SECONDS, False)])
def test_token_expires(late_s: int, good: bool) -> None:
    token = mint_media_token(PAYLOAD, SECRET)
    if good:
        assert check_media_token(token, [SECRET], NOW + timedelta(seconds=late_s)) == PAYLOAD
        return
    with pytest.raises(TokenRefused, match="expired"):
        check_media_token(token, [SECRET], NOW + timedelta(seconds=late_s))


@given(st.data())
def test_no_changed_character_passes(data: st.DataObject) -> None:
    token = mint_media_token(PAYLOAD, SECRET)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda char: char != token[at]))
    with pytest.raises(TokenRefused):
        check_media_token(token[:at] + other + token[at + 1 :], [SECRET], NOW)


@given(st.text())
def test_no_random_text_passes(text: str) -> None:
    with pytest.raises(TokenRefused):
        check_media_token(text, [SECRET], NOW)
    with pytest.raises(TokenRefused):
        check_call_ref(text, [SECRET])


def test_no_secret_means_no_token_is_good() -> None:
    with pytest.raises(TokenRefused, match="forged"):
        check_media_token(mint_media_token(PAYLOAD, SECRET), [], NOW)


@pytest.mark.parametrize(
    "change",
    [{"call_id": "x y"}, {"epoch": True}, {"exp": "soon"}, {"menu_version": 0}, {"withheld": "no"}, {"trace": None}],
)
def test_genuine_signature_does_not_excuse_a_wrong_field(change: dict[str, object]) -> None:
    body = base64.urlsafe_b64encode(json.dumps(asdict(PAYLOAD) | change).encode()).rstrip(b"=")
    mac = hmac.digest(SECRET.encode(), b"agiza media token 1\n" + body, hashlib.sha256)
    token = f"{body.decode()}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    with pytest.raises(TokenRefused, match="malformed"):
        check_media_token(token, [SECRET], NOW)


def test_mint_refuses_what_could_not_be_checked() -> None:
    with pytest.raises(ValueError, match="shape"):
        mint_media_token(replace(PAYLOAD, nonce="short"), SECRET)
    with pytest.raises(ValueError, match="empty secret"):
        mint_media_token(PAYLOAD, "")


def test_reference_comes_back_whole() -> None:
    assert check_call_ref(sign_call_ref(REF, SECRET), [SECRET]) == REF


def test_reference_of_one_call_or_stage_does_not_open_another() -> None:
    text = sign_call_ref(REF, SECRET)
    for other in (text.replace("7c21", "7c22"), text.replace("next", "dial"), text.replace("westlands", "kilimani")):
        with pytest.raises(TokenRefused, match="forged"):
            check_call_ref(other, [SECRET])


def test_one_kind_of_word_does_not_pass_as_the_other() -> None:
    with pytest.raises(TokenRefused, match="forged"):
        check_media_token(sign_call_ref(REF, SECRET), [SECRET], NOW)
    with pytest.raises(TokenRefused, match="forged"):
        check_call_ref(mint_media_token(PAYLOAD, SECRET), [SECRET])
