"""Which addresses a delivery may connect to, and what the operator allows besides. Pure: nothing is looked up.

    allow = AllowList.parse("pos.lan:8443, 10.20.0.0/16:443")
    why_refused(ipaddress.ip_address("169.254.169.254"))                       # "link-local"
    why_not_connected("pos.lan", 8443, ipaddress.ip_address("10.20.0.7"), allow)   # None: it may

A subscriber chooses a URL, and we are inside the operator's network: without this, a URL would be a way to whatever
listens there, the cloud's metadata service first. A name is judged by the address that is connected to, at each
connection, so that it does not help to let the name point elsewhere after it was checked. What is written as an
address is judged as the same one, in whatever form (``0x7f.1``, ``2130706433``, ``::ffff:127.0.0.1``).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

ENTRIES_MAX: Final = 100
HTTPS_PORT: Final = 443
_PORTS: Final = {"https": HTTPS_PORT, "http": 80}
_NAME: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?")

_REFUSED: Final[Sequence[tuple[str, str]]] = (
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by a carrier's customers"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "protocol assignments"),
    ("192.52.193.0/24", "protocol assignments"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "protocol assignments"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("168.63.129.16/32", "metadata of a cloud"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::/96", "IPv4 in an old form"),
    ("::ffff:0:0:0/96", "translated IPv4"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64"),
    ("100::/64", "discard"),
    ("100:0:0:1::/64", "discard"),
    ("2001::/23", "protocol assignments, Teredo among them"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("2620:4f:8000::/48", "protocol assignments"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "unique local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
_TABLE: Final[tuple[tuple[Network, str], ...]] = tuple((ipaddress.ip_network(net), why) for net, why in _REFUSED)
_NEVER_BY_NAME: Final = tuple(
    ipaddress.ip_network(net)
    for net in (
        "0.0.0.0/8",
        "169.254.0.0/16",
        "168.63.129.16/32",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fd00:ec2::/32",
        "fe80::/10",
        "ff00::/8",
    )
)
"""Not even where the operator allows a name: nobody's POS is there, and a cloud's secrets are."""


def why_refused(address: Address) -> str | None:
    """Why nobody may be sent to at this address; None: it is one of the public Internet."""
    judged = _unwrapped(address)
    for network, why in _TABLE:
        if judged.version == network.version and judged in network:
            return why
    if not judged.is_global:
        return "not of the public Internet"
    if judged.version == 6 and judged not in _GLOBAL_UNICAST:
        return "not of the public Internet"
    return None


_GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")


class NotAllowList(ValueError):
    """The operator's setting cannot be read. The text says which entry, and what an entry is."""

    retryable = False


@dataclass(frozen=True, slots=True)
class AllowList:
    """What the operator lets deliveries reach besides the public Internet's port 443, and without TLS.

    ``hosts``: names and single addresses, with a port or for every port (None). ``networks``: the same for ranges.
    """

    hosts: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[tuple[Network, int | None], ...] = ()

    @classmethod
    def parse(cls, text: str) -> AllowList:
        """Entries ``host``, ``host:port``, ``network/bits`` or ``network/bits:port``, parted by commas.

        An IPv6 address with a port stands in brackets (``[fd12::]/64:443``). Raises :class:`NotAllowList`.
        """
        entries = [entry for each in text.split(",") if (entry := each.strip().lower())]
        if len(entries) > ENTRIES_MAX:
            raise NotAllowList(f"more than {ENTRIES_MAX} entries")
        hosts: set[tuple[str, int | None]] = set()
        networks: list[tuple[Network, int | None]] = []
        for entry in entries:
            name, port = _entry(entry)
            if "/" in name or written_address(name) is not None:
                networks.append((_network(entry, name), port))
            elif _NAME.fullmatch(name):
                hosts.add((name, port))
            else:
                raise _cannot_read(entry)
        return cls(frozenset(hosts), tuple(networks))

    def names(self, host: str, port: int) -> bool:
        """Whether the host, as a URL has it, is one that the operator named, or an address in one of the ranges."""
        address = written_address(host)
        if address is not None:
            return self.holds(address, port)
        return bool(self.hosts & {(_plain(host), port), (_plain(host), None)})

    def holds(self, address: Address, port: int) -> bool:
        """Whether the address is in one of the ranges, for this port."""
        judged = _unwrapped(address)
        return any(
            judged.version == network.version and judged in network and allowed_port in (None, port)
            for network, allowed_port in self.networks
        )


def why_url_refused(url: str, allow: AllowList) -> str | None:
    """Why the URL is not sent to, whatever its name stands for; None: it is up to the address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "cannot be read"
    host = parts.hostname
    if not host or parts.scheme not in _PORTS:
        return "cannot be read"
    port = _PORTS[parts.scheme] if port is None else port
    if allow.names(host, port):
        return None
    if parts.scheme != "https":
        return "not https"
    address = written_address(host)
    if address is not None and (why := why_refused(address)) is not None:
        return why
    # A range that is allowed for a port allows names in it to be on that port; the connection is judged by itself.
    if port != HTTPS_PORT and not any(allowed_port in (None, port) for _, allowed_port in allow.networks):
        return "another port than 443"
    return None


def why_not_connected(host: str, port: int, address: Address, allow: AllowList) -> str | None:
    """Why a delivery to ``host`` is not sent to ``address``, which the host's name stands for now; None: it is."""
    if allow.holds(address, port):
        return None
    judged = _unwrapped(address)
    if allow.names(host, port):
        refused = any(judged.version == network.version and judged in network for network in _NEVER_BY_NAME)
        return why_refused(address) or "never allowed by name" if refused else None
    if port != HTTPS_PORT:
        return "another port than 443"
    return why_refused(address)


def written_address(host: str) -> Address | None:
    """The address that the host is, in any of the forms that a resolver would take for one; None: it is a name."""
    text = (host[1:-1] if host.startswith("[") and host.endswith("]") else host).partition("%")[0]
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        pass
    if not re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}\.?", text, re.IGNORECASE):
        return None
    try:
        # As C's inet_aton reads it: octal, hexadecimal, fewer than four parts. Pure: it looks nothing up.
        return ipaddress.IPv4Address(socket.inet_aton(text.rstrip(".")))
    except OSError:
        return ipaddress.IPv4Address(0)  # looks like one and is none: refused as unspecified


def _unwrapped(address: Address) -> Address:
    """The IPv4 address within a mapped one."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _plain(host: str) -> str:
    return host.lower().rstrip(".")


def _entry(entry: str) -> tuple[str, int | None]:
    """Name or range, and port."""
    found = re.fullmatch(r"\[(?P<six>[0-9a-f:.]+)\](?P<bits>/\d+)?(?::(?P<port>\d+))?", entry)
    if found:
        name, port = found["six"] + (found["bits"] or ""), found["port"]
    elif entry.count(":") > 1:
        name, port = entry, None
    else:
        name, colon, rest = entry.partition(":")
        port = rest if colon else None
    if port is not None and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):
        raise _cannot_read(entry)
    return name, int(port) if port is not None else None


def _network(entry: str, name: str) -> Network:
    try:
        address = written_address(name)
        return ipaddress.ip_network(name if address is None else str(_unwrapped(address)))
    except ValueError:
        raise _cannot_read(entry) from None


def _cannot_read(entry: str) -> NotAllowList:
    return NotAllowList(f"{entry!r} is none of: host, host:port, network/bits, network/bits:port, [IPv6]:port")
