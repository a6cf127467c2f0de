"""``agiza pos certify URL``: one run of all checks against one endpoint."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr
from rich.console import Console

from agiza.cli.errors import CliError
from agiza.cli.pos.check import Check
from agiza.cli.pos.checks_delivery import DELIVERY_CHECKS
from agiza.cli.pos.checks_effects import EFFECT_CHECKS
from agiza.cli.pos.checks_signature import SIGNATURE_CHECKS
from agiza.cli.pos.course import Course, Crash, Patience, ReadDigest
from agiza.cli.pos.evidence import Evidence
from agiza.cli.pos.feed_api import KitApi, kit_app
from agiza.cli.pos.making import EventMaker
from agiza.cli.pos.report import Finding, Report, show, write
from agiza.cli.pos.sending import Sender
from agiza.runtime.clock import Clock
from agiza.runtime.http import HttpServer
from agiza.runtime.standard_webhooks import key_of

CHECKS: Final[Sequence[Check]] = (*SIGNATURE_CHECKS, *DELIVERY_CHECKS, *EFFECT_CHECKS)
CRASH_MAX_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class CertifyOptions:
    """The options of ``agiza pos certify``, as typed."""

    url: str
    secret: str
    former_secret: str | None = None
    new_secret: str | None = None
    api_listen: tuple[str, int] | None = None
    api_key: str = "certification"
    branch: str | None = None
    first_number: int = 1
    digest_url: str | None = None
    crash: str | None = None
    report: Path | None = None
    as_json: bool = False
    patience: Patience = field(default_factory=Patience)


async def certify(options: CertifyOptions, console: Console, clock: Clock | None = None) -> int:
    """Run, show, and give the exit code. Raises :class:`CliError` when the endpoint is not there."""
    _check(options)
    report = await run_checks(options, console if not options.as_json else None, clock or Clock())
    if options.report is not None:
        write(options.report, report)
    show(report, console, as_json=options.as_json)
    return 0 if report.passed else 1


async def run_checks(
    options: CertifyOptions,
    console: Console | None = None,
    clock: Clock | None = None,
    *,
    crash: Crash | None = None,
    read_digest: ReadDigest | None = None,
) -> Report:
    """Drive every check, one after the other, and judge them all at the end: late effects count too."""
    clock = clock or Clock()
    maker = EventMaker(options.branch or f"certify-{uuid.uuid4().hex[:8]}", options.first_number, clock.now)
    secret, new = (
        (options.former_secret, options.secret)
        if options.former_secret is not None
        else (options.secret, options.new_secret)
    )

    trusted = httpx.create_ssl_context(trust_env=False)

    def connect() -> httpx.AsyncClient:
        # Twice the limit: an answer that comes too late is measured, not merely missed.
        limit_s = 2 * options.patience.answer_s
        return httpx.AsyncClient(timeout=limit_s, verify=trusted, trust_env=False, follow_redirects=False)

    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(connect())
        api = None
        if options.api_listen is not None:
            api = KitApi(maker, SecretStr(options.api_key))
            address = await stack.enter_async_context(_served(api, options.api_listen))
            if console is not None:
                console.print(f"the endpoint's API is at {address}, branch {maker.branch_id}", highlight=False)
        course = Course(
            sender=Sender(client, options.url, secret, clock),
            maker=maker,
            api=api,
            patience=options.patience,
            new_secret=new,
            crash=crash or _crash_by(options.crash),
            read_digest=read_digest or _digest_at(options.digest_url, maker.branch_id, client),
            connect=connect,
        )
        await _must_answer(course)
        for check in CHECKS:
            if console is not None and console.is_terminal:
                console.print(f"{check.title} ...", style="dim", highlight=False)
            await check.drive(course)
        await course.settle()
        return _report(options.url, course.evidence())


def _report(url: str, evidence: Evidence) -> Report:
    findings = []
    for check in CHECKS:
        verdict = check.judge(evidence)
        findings.append(
            Finding(check.id, check.title, verdict.outcome, check.sent, verdict.seen, check.mend, check.docs)
        )
    slowest = max(delivery.took_s for delivery in evidence.deliveries)
    return Report(url, tuple(findings), len(evidence.deliveries), round(slowest, 3))


async def _must_answer(course: Course) -> None:
    delivery = await course.sender.deliver("ping", course.maker.ping(), way="a test ping, first of all")
    if delivery.status is None:
        raise CliError(
            f"nothing answers at the URL ({delivery.error}): is the endpoint running, and is its path right?"
        )


def _check(options: CertifyOptions) -> None:
    parts = urlsplit(options.url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise CliError("the URL must begin with http:// or https:// and name a host")
    if options.former_secret is not None and options.new_secret is not None:
        raise CliError("give --former-secret or --new-secret, not both: each names the other secret of a change")
    named = {"--secret": options.secret, "--former-secret": options.former_secret, "--new-secret": options.new_secret}
    for name, secret in named.items():
        if secret is None:
            continue
        try:
            key_of(secret)
        except ValueError as error:
            raise CliError(f"{name}: {error}") from None


def _crash_by(command: str | None) -> Crash | None:
    if command is None:
        return None

    async def crash() -> None:
        process = await asyncio.create_subprocess_exec("/bin/sh", "-c", command)
        try:
            async with asyncio.timeout(CRASH_MAX_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise CliError(
                f"the command of --crash did not end within {CRASH_MAX_S:g} s: let it start the endpoint behind itself"
            ) from None

    return crash


def _digest_at(url: str | None, branch_id: str, client: httpx.AsyncClient) -> ReadDigest | None:
    if url is None:
        return None

    async def read(first: int, last: int) -> dict[str, Any] | str:
        try:
            answer = await client.get(url, params={"branch": branch_id, "from": first, "to": last})
            content = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            return type(error).__name__
        if answer.status_code != 200 or not isinstance(content, dict):
            return f"answered {answer.status_code}"
        return content

    return read


@contextlib.asynccontextmanager
async def _served(api: KitApi, listen: tuple[str, int]) -> AsyncIterator[str]:
    try:
        server = HttpServer(kit_app(api), host=listen[0], port=listen[1])
    except OSError as error:
        raise CliError(f"--api-listen {listen[0]}:{listen[1]}: {error.strerror or error}") from None
    stopping = asyncio.Event()
    serving = asyncio.create_task(server.run(stopping))
    try:
        yield f"http://{server.host}:{server.port}"
    finally:
        stopping.set()
        await serving
