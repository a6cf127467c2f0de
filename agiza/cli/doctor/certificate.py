"""The certificates of the public addresses: trusted, and for how many days yet."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from agiza.cli.doctor.findings import Finding, failure, ok, warning

TIMEOUT_S: Final = 5.0
DAYS_LOW: Final = 14
DAYS_OUT: Final = 2
_RENEW: Final = "see why it is not renewed by itself (the proxy's log)"


async def look(urls: list[str], trusted: ssl.SSLContext | None = None) -> list[Finding]:
    """One finding for each host among these URLs that speaks TLS. ``trusted`` replaces the system's authorities."""
    parts = [urlsplit(url) for url in urls]
    hosts = {(part.hostname or "", part.port or 443) for part in parts if part.scheme in ("https", "wss")}
    context = trusted or ssl.create_default_context()
    found = await asyncio.gather(*(_look_at(host, port, context) for host, port in sorted(hosts)))
    return list(found)


async def _look_at(host: str, port: int, context: ssl.SSLContext) -> Finding:
    subject = f"certificate of {host}"
    writer = None
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
        ends = ssl.cert_time_to_seconds(str(writer.get_extra_info("peercert")["notAfter"]))
        return judge(subject, (ends - datetime.now(UTC).timestamp()) / 86_400)
    except ssl.SSLCertVerificationError as error:
        return failure(subject, f"not trusted: {error.verify_message}", "get one that everybody trusts, for this name")
    except TimeoutError:
        return failure(subject, f"no answer within {TIMEOUT_S:g} s", "look at DNS, firewall and proxy")
    except OSError as error:
        return failure(subject, f"no TLS to be had ({type(error).__name__})", "look at DNS, firewall and proxy")
    finally:
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await writer.wait_closed()


def judge(subject: str, days: float) -> Finding:
    """By the days that it is still good for."""
    seen = f"good for {int(days)} more days"
    if days < DAYS_OUT:
        return failure(subject, seen, _RENEW)
    return warning(subject, seen, _RENEW) if days < DAYS_LOW else ok(subject, seen)
