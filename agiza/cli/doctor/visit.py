"""The whole visit: which checks there are, in the order in which an operator mends."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr
from rich.console import Console

from agiza.cli.doctor import (
    branches,
    carrier,
    certificate,
    clocks,
    database,
    habits,
    media,
    memory,
    model,
    public,
    services,
    settings,
)
from agiza.cli.doctor.findings import Check, Finding, examine
from agiza.cli.doctor.report import counted, scrub, show, to_json
from agiza.cli.site import SiteSettings, read_what_fits
from agiza.domain.menu import BranchFile

SICK: Final = 1
"""Exit code when there is a failure."""


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """The options of ``agiza doctor``, as typed. AGIZA_BRANCHES_DIR goes before ``branches``."""

    branches: Path
    capabilities: Path
    as_json: bool = False


async def doctor(options: DoctorOptions, console: Console) -> int:
    """Look at everything, say it, and return the exit code."""
    site, wrong = read_what_fits()
    findings = await visit(site, wrong, os.environ, options)
    if options.as_json:
        print(to_json(findings), flush=True)
    else:
        show(findings, console)
    return SICK if counted(findings)["failure"] else 0


async def visit(
    site: SiteSettings, wrong: tuple[str, ...], environment: Mapping[str, str], options: DoctorOptions
) -> list[Finding]:
    """All findings, fit to be shown. ``wrong``: what is the matter with variables that are not in ``site``."""
    secrets = settings.secrets_in(environment)
    folder = site.agiza_branches_dir or options.branches
    files, of_files = branches.look_at_files(folder)
    found = [*settings.judge_oddities(site, wrong), *settings.look_at_services(), *settings.judge_secrets(secrets)]
    found += [*of_files, *await examine(_checks(site, files, options.capabilities))]
    return scrub(found, _all_secrets(site, secrets))


def _checks(site: SiteSettings, files: Sequence[BranchFile], capabilities: Path) -> list[Check]:
    known = services.addresses(site)
    urls = [url for url in (site.agiza_public_url, site.agiza_media_url) if url is not None]
    return [
        Check(database.SUBJECT, lambda: database.look(_plain(site.database_url))),
        Check(memory.SUBJECT, lambda: memory.look(_plain(site.redis_url))),
        *(Check(name, _service(name, url)) for name, url in known.items() if url is not None),
        Check("services", _given(services.judge_unknown(known))),
        Check(public.SUBJECT, lambda: public.look(site)),
        Check("certificate", lambda: certificate.look(urls)),
        Check(media.SUBJECT, lambda: media.look(site.agiza_media_url)),
        Check(carrier.KEY, lambda: carrier.look(site, files)),
        Check(habits.SUBJECT, lambda: habits.look(capabilities, site, files, datetime.now(UTC))),
        # The carrier's clock first: the public address is perhaps this very machine.
        Check(
            clocks.SUBJECT,
            lambda: clocks.look({"carrier": site.agiza_carrier_api_url, "public URL": site.agiza_public_url}),
        ),
        Check(model.SUBJECT, lambda: model.look(site, files[0] if files else None)),
    ]


Look = Callable[[], Awaitable[Sequence[Finding]]]


def _service(name: str, url: str) -> Look:
    return lambda: services.look(name, url)


def _given(findings: Sequence[Finding]) -> Look:
    async def look() -> Sequence[Finding]:
        return findings

    return look


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _all_secrets(site: SiteSettings, secrets: Mapping[str, str]) -> list[str]:
    """Whatever must not be shown: shared secrets, keys, and the passwords inside URLs."""
    keys = [_plain(site.agiza_carrier_api_key), _plain(site.gemini_api_key)]
    urls = [_plain(site.database_url), _plain(site.redis_url)]
    passwords = [urlsplit(url).password for url in urls if url is not None]
    return [each for each in (*secrets.values(), *keys, *urls, *passwords) if each]
