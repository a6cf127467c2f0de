"""Which addresses are sent to: a table of every special range, odd ways to write one, and the operator's list."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.webhooks.addresses import (
    AllowList,
    NotAllowList,
    why_not_connected,
    why_refused,
    why_url_refused,
    written_address,
)

NONE = AllowList()

REFUSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.0.1",
    "168.63.129.16",  # metadata of a cloud, at a public address
    "169.254.0.1",
    "169.254.169.254",  # metadata of most clouds
    "169.254.170.2",  # and of their containers
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",  # metadata of another one
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",  # metadata of a cloud
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "41.90.0.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1",
          "198.17.0.1", "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1",
          "::ffff:8.8.8.8"]  # fmt: skip
ODD = {
    "127.1": "127.0.0.1",
    "0x7f.0.0.1": "127.0.0.1",
    "0x7f000001": "127.0.0.1",
    "2130706433": "127.0.0.1",
    "017700000001": "127.0.0.1",
    "0177.0.0.1": "127.0.0.1",
    "127.0.0.1.": "127.0.0.1",
    "[::1]": "::1",
    "[::ffff:7f00:1]": "127.0.0.1",
    "fe80::1%eth0": "fe80::1",
    "0xa9fea9fe": "169.254.169.254",
    "999.1.1.1": "0.0.0.0",
    "1.2.3.4.": "1.2.3.4",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_special_address_is_refused_in_a_url_and_at_the_connection(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert why_refused(address) is not None
    assert why_not_connected("pos.example.com", 443, address, NONE) is not None
    assert why_url_refused(f"https://{f'[{text}]' if ':' in text else text}/hook", NONE) is not None


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_not(text: str) -> None:
    assert why_refused(ipaddress.ip_address(text)) is None
    assert why_not_connected("pos.example.com", 443, ipaddress.ip_address(text), NONE) is None
    assert why_url_refused(f"https://{f'[{text}]' if ':' in text else text}/hook", NONE) is None


@pytest.mark.parametrize(("written", "address"), ODD.items())
def test_an_address_is_the_same_one_however_it_is_written(written: str, address: str) -> None:
    found = written_address(written)
    assert found is not None
    assert (getattr(found, "ipv4_mapped", None) or found) == ipaddress.ip_address(address)


@pytest.mark.parametrize("name", ["pos.example.com", "x7f.example", "1e100.net", "dead.beef", "0xyz"])
def test_a_name_is_no_address(name: str) -> None:
    assert written_address(name) is None


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_what_is_mapped(four: ipaddress.IPv4Address) -> None:
    assert why_refused(ipaddress.IPv6Address(f"::ffff:{four}")) == why_refused(four)


@given(st.ip_addresses())
def test_nothing_passes_that_the_standard_library_knows_to_be_special(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if why_refused(address) is None:
        real = getattr(address, "ipv4_mapped", None) or address
        assert real.is_global
        assert not real.is_multicast


@pytest.mark.parametrize(
    "url",
    [
        "http://pos.example.com/hook",
        "https://pos.example.com:8443/hook",
        "https://pos.example.com:0/hook",
        "ftp://pos.example.com/hook",
        "https:///hook",
        "https://pos.example.com:99999/",
        "https://[::1/",
        "",
    ],
)
def test_only_https_on_its_own_port(url: str) -> None:
    assert why_url_refused(url, NONE) is not None


def test_what_the_operator_names_is_sent_to_and_nothing_beside_it() -> None:
    allow = AllowList.parse("pos.lan, till.lan:8080, 10.20.0.0/16:443, [fd12::]/64:8443, 192.168.1.5")
    near = ipaddress.ip_address("10.20.3.4")
    assert why_url_refused("http://POS.lan:81/hook", allow) is None
    assert why_not_connected("pos.lan", 81, ipaddress.ip_address("192.168.7.7"), allow) is None
    assert why_url_refused("http://till.lan:8080/hook", allow) is None
    assert why_url_refused("http://till.lan:8081/hook", allow) == "not https"
    assert why_not_connected("till.lan", 8081, near, allow) is not None
    assert why_url_refused("https://10.20.3.4/hook", allow) is None
    assert why_not_connected("pos.example.com", 443, near, allow) is None
    assert why_not_connected("pos.example.com", 80, near, allow) is not None
    assert why_not_connected("pos.example.com", 443, ipaddress.ip_address("10.21.0.1"), allow) == "private"
    assert why_url_refused("http://[fd12::7]:8443/", allow) is None
    assert why_not_connected("x", 8443, ipaddress.ip_address("fd12::7"), allow) is None
    assert why_url_refused("http://192.168.1.5:9000/", allow) is None
    assert why_url_refused("https://192.168.1.6/", allow) == "private"
    assert why_url_refused("https://other.lan:8443/", AllowList.parse("pos.lan")) == "another port than 443"


@pytest.mark.parametrize("text", ["169.254.169.254", "fd00:ec2::254", "0.0.0.0", "224.0.0.1", "168.63.129.16"])
def test_a_name_that_is_allowed_does_not_lead_to_the_clouds_metadata(text: str) -> None:
    allow = AllowList.parse("pos.lan")
    assert why_not_connected("pos.lan", 80, ipaddress.ip_address(text), allow) is not None


def test_a_range_is_written_out_to_be_allowed_even_there() -> None:
    allow = AllowList.parse("169.254.10.0/24:80")
    assert why_not_connected("x.example.com", 80, ipaddress.ip_address("169.254.10.9"), allow) is None


@pytest.mark.parametrize("text", ["pos lan", "pos.lan:0", "pos.lan:x", "10.0.0.1/8", "http://pos.lan", "*", "a" * 300,
                                  "pos.lan:70000", "[::1", ",".join(f"h{n}" for n in range(101))])  # fmt: skip
def test_a_list_that_cannot_be_read_says_so(text: str) -> None:
    with pytest.raises(NotAllowList):
        AllowList.parse(text)


def test_no_list_allows_nothing() -> None:
    assert AllowList.parse("") == AllowList.parse(" , ") == NONE
    assert not NONE.names("localhost", 443)
