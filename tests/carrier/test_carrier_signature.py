"""Signatures: a fixed vector, the window, several secrets, and everything that is not one."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.carrier.signature import WINDOW_SECONDS, Verdict, is_allowed, judge_signature, sign

BODY = b"sessionId=HD_7c21e04ab9f3&callSessionState=Ringing"
SECRET = "whsec_of_the_tests"
NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
T = int(NOW.timestamp())
GOOD = f"t={T},v1=" + hmac.new(SECRET.encode(), BODY + b"." + str(T).encode(), hashlib.sha256).hexdigest()


def test_vector() -> None:
    """Worked out apart: ``printf 'a=1.1751360400' | openssl dgst -sha256 -hmac k``."""
    header = "t=1751360400,v1=48676f664226e18fee6ebb5c03462e00494cc217602e4137faaac90fedf8f0af"
    assert sign(b"a=1", "k", 1751360400) == header
    assert judge_signature(b"a=1", header, ["k"], datetime.fromtimestamp(1751360400, UTC)) == "good"


def test_good_signature_by_either_secret() -> None:
    assert sign(BODY, SECRET, T) == GOOD
    assert judge_signature(BODY, GOOD, [SECRET], NOW) == "good"
    assert judge_signature(BODY, GOOD, ["newer", SECRET], NOW) == "good"
    assert judge_signature(BODY, f"{GOOD},v1={'0' * 64}", [SECRET], NOW) == "good"


def test_body_stands_before_the_time() -> None:
    swapped = hmac.new(SECRET.encode(), str(T).encode() + b"." + BODY, hashlib.sha256).hexdigest()
    assert judge_signature(BODY, f"t={T},v1={swapped}", [SECRET], NOW) == "forged"


@pytest.mark.parametrize("late_s", [-WINDOW_SECONDS - 1, -WINDOW_SECONDS, 0, WINDOW_SECONDS, WINDOW_SECONDS + 1])
def test_window(late_s: int) -> None:
    verdict = judge_signature(BODY, GOOD, [SECRET], NOW + timedelta(seconds=late_s))
    assert verdict == ("good" if abs(late_s) <= WINDOW_SECONDS else "stale")


@pytest.mark.parametrize(
    ("header", "verdict"),
    [
        (None, "missing"),
        ("", "missing"),
        ("nonsense", "malformed"),
        (f"t={T}", "malformed"),
        (GOOD.partition(",")[2], "malformed"),
        (f"t=-1,{GOOD.partition(',')[2]}", "malformed"),
        (f"t={T},{GOOD}", "malformed"),
        (hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest(), "malformed"),
        (GOOD.upper().replace("T=", "t=").replace("V1=", "v1="), "forged"),
        (GOOD.replace(str(T), str(T + 1)), "forged"),
        (GOOD + "x" * 600, "malformed"),
        (f"t={T},v1=\udcff", "forged"),
    ],
)
def test_what_is_not_a_signature(header: str | None, verdict: str) -> None:
    assert judge_signature(BODY, header, [SECRET], NOW) == verdict


def test_no_secret_means_nothing_is_good() -> None:
    assert judge_signature(BODY, GOOD, [], NOW) == "forged"


@given(st.binary(max_size=80))
def test_signature_is_good_for_its_body_only(body: bytes) -> None:
    assert (judge_signature(body, GOOD, [SECRET], NOW) == "good") is (body == BODY)


def test_policy() -> None:
    assert is_allowed("forged", "off")
    assert is_allowed("forged", "warn")
    assert is_allowed("good", "enforce")
    refused: tuple[Verdict, ...] = ("missing", "malformed", "stale", "forged")
    assert not any(is_allowed(verdict, "enforce") for verdict in refused)
