"""Is what is genuine taken, and nothing else? Signatures, times, and the change of a secret."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial
from typing import Final

from agiza.cli.pos.check import Check
from agiza.cli.pos.course import Course, fresh_secret
from agiza.cli.pos.evidence import Evidence, Verdict, plain
from agiza.cli.pos.making import PRICE, Made
from agiza.cli.pos.sending import signatures

OFF_S: Final = 600.0
"""How far a timestamp is off that must be refused; 300 s is what receivers usually allow."""
HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
_NOISE: Final = "v1," + base64.b64encode(bytes(range(32))).decode()
_COMING: Final = "v7z,bm90LWludmVudGVkLXlldA=="


async def _good(course: Course) -> None:
    await course.ticket("signature.good")


async def _wrong_secret(course: Course) -> None:
    await course.sender.deliver(
        "signature.wrong-secret",
        course.maker.forged(),
        wanted="refused",
        way="signed with a secret that is not yours",
        secrets=(fresh_secret(),),
    )


async def _tampered(course: Course) -> None:
    made = course.maker.forged()
    body = made.item.body.replace(b'"total_minor":%d' % PRICE, b'"total_minor":1')
    assert body != made.item.body
    await course.sender.deliver(
        "signature.tampered", made, wanted="refused", way="with a total that was changed after signing", body=body
    )


async def _missing(course: Course) -> None:
    for name in HEADERS:
        await course.sender.deliver(
            "signature.missing", course.maker.forged(), wanted="refused", way=f"without {name}", headers={name: None}
        )
    await course.sender.deliver(
        "signature.missing",
        course.maker.forged(),
        wanted="refused",
        way="without any of the three headers",
        headers=dict.fromkeys(HEADERS),
    )


async def _unknown_version(course: Course) -> None:
    await course.sender.deliver(
        "signature.unknown-version",
        course.maker.forged(),
        wanted="refused",
        way="with a signature of a version that you cannot know",
        headers={"webhook-signature": _COMING},
    )


async def _several(course: Course) -> None:
    made = course.order()
    ours = _signature(course, made)
    await course.sender.deliver(
        "signature.several",
        made,
        way="with another signature before ours",
        headers={"webhook-signature": f"{_NOISE} {ours}"},
    )
    made = course.order()
    ours = _signature(course, made)
    await course.sender.deliver(
        "signature.several",
        made,
        way="with a signature of an unknown version before ours",
        headers={"webhook-signature": f"{_COMING} {ours}"},
    )


async def _raw_bytes(course: Course) -> None:
    made = course.maker.forged()
    await course.sender.deliver(
        "raw-bytes",
        made,
        wanted="refused",
        way="with a space that was put in after signing",
        body=made.item.body.replace(b"{", b"{ ", 1),
    )
    await course.sender.deliver(
        "raw-bytes", course.order(name="Zoë Ng’ang’a 🍟"), way="with letters beyond ASCII in the body"
    )


async def _off(course: Course, check: str, age_s: float, way: str) -> None:
    await course.sender.deliver(check, course.maker.forged(), wanted="refused", way=way, age_s=age_s)


async def _rotation(course: Course) -> None:
    secret = course.sender.secret
    for secrets, way in _pairs(course.new_secret or fresh_secret(), secret):
        await course.sender.deliver("rotation.both", course.order(), way=way, secrets=secrets)


def _pairs(new: str, former: str) -> Sequence[tuple[tuple[str, str], str]]:
    return (
        ((former, new), "signed with the former and the new secret"),
        ((new, former), "signed with the new and the former secret"),
        ((fresh_secret(), former), "signed with a secret that you do not have yet, and with the former one"),
    )


async def _rotated(course: Course) -> None:
    if course.new_secret is not None:
        await course.ticket("rotation.new-only", secrets=(course.new_secret,), way="signed with the new secret only")


def _judge_rotated(evidence: Evidence) -> Verdict:
    if not evidence.of("rotation.new-only"):
        return Verdict("not observable", "give your endpoint a second secret, and say it with --new-secret")
    return plain(evidence, "rotation.new-only")


def _signature(course: Course, made: Made) -> str:
    sent_at = course.sender.clock.now()
    return str(signatures((course.sender.secret,), made, sent_at)["webhook-signature"])


def _plain(check: str) -> partial[Verdict]:
    return partial(plain, check=check)


SIGNATURE_CHECKS: Final = (
    Check(
        "signature.good",
        "a well signed ticket is taken",
        "a ticket, signed with your secret",
        "compute HMAC-SHA256 with the key behind whsec_ (base64) over id.timestamp.body, and answer 2xx when it fits",
        _good,
        _plain("signature.good"),
    ),
    Check(
        "signature.wrong-secret",
        "a ticket of somebody else is refused",
        "a ticket that is signed with another secret",
        "answer 401 when no signature is one of yours, and do nothing with the body",
        _wrong_secret,
        _plain("signature.wrong-secret"),
    ),
    Check(
        "signature.tampered",
        "a body that was changed is refused",
        "a ticket of which the total was changed after signing",
        "the signature is over the body too: compare it before you read the body",
        _tampered,
        _plain("signature.tampered"),
    ),
    Check(
        "signature.missing",
        "a delivery without its headers is refused",
        "tickets without webhook-id, webhook-timestamp, webhook-signature, and without all three",
        "a missing header is no reason to skip the check: answer 400 or 401",
        _missing,
        _plain("signature.missing"),
    ),
    Check(
        "signature.unknown-version",
        "a signature of an unknown version proves nothing",
        "a ticket with nothing but a signature of version v7z",
        "only versions that you can verify count; if none of them fits, answer 401",
        _unknown_version,
        _plain("signature.unknown-version"),
    ),
    Check(
        "signature.several",
        "of several signatures one must fit",
        "tickets whose second signature is the right one",
        "split webhook-signature at spaces and take the delivery if any entry fits; skip versions that you do not know",
        _several,
        _plain("signature.several"),
    ),
    Check(
        "raw-bytes",
        "the signature is checked over the bytes as they came",
        "a ticket with letters beyond ASCII, and one that got a space after signing",
        "verify the request's raw body before any JSON parser sees it; never sign what you have written yourself",
        _raw_bytes,
        _plain("raw-bytes"),
    ),
    Check(
        "timestamp.old",
        "an old recording is refused",
        f"a well signed ticket whose timestamp is {OFF_S:g} s old",
        "refuse a webhook-timestamp that is more than 300 s away from your clock: retries carry a fresh one",
        partial(_off, check="timestamp.old", age_s=OFF_S, way="signed long ago"),
        _plain("timestamp.old"),
    ),
    Check(
        "timestamp.future",
        "a timestamp from the future is refused",
        f"a well signed ticket whose timestamp is {OFF_S:g} s ahead",
        "refuse a webhook-timestamp that is more than 300 s away from your clock, in both directions",
        partial(_off, check="timestamp.future", age_s=-OFF_S, way="signed in the future"),
        _plain("timestamp.future"),
    ),
    Check(
        "rotation.both",
        "while the secret is changed, either signature is enough",
        "tickets with two signatures: of the former and of the new secret, in both orders",
        "go through all signatures and all your secrets; one pair that fits is enough",
        _rotation,
        _plain("rotation.both"),
    ),
    Check(
        "rotation.new-only",
        "after the change, the new secret alone is enough",
        "a ticket that is signed with --new-secret only",
        "keep both secrets while the change lasts, and verify with each of them",
        _rotated,
        _judge_rotated,
    ),
)
