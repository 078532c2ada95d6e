"""Which addresses are open to a function with `egress`."""

import ipaddress
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.sandbox.network_relay import Judge, meant, resolvers
from lambent.sandbox.network_routes import leads_away
from lambent.sandbox.network_rules import Address, Rules, routes, rules

CLOSED = (
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.31.255.255", "192.168.0.1"),
    *("224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:8.8.8.8", "::a00:1", "fd00:ec2::254", "fe80::1", "ff02::1"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:a9fe:a9fe::1", "2001::1", "198.18.0.1", "192.0.0.170"),
)
OPEN = ("8.8.8.8", "203.0.113.10", "172.15.0.1", "172.32.0.1", "100.63.255.255", "2606:4700::1", "64:ff9b::808:808")


@pytest.mark.parametrize("address", CLOSED)
def test_what_is_near_is_closed(address: str) -> None:
    """Source: IANA's special-purpose address registries; AWS's metadata addresses."""
    assert not Rules().permits(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OPEN)
def test_the_internet_is_open(address: str) -> None:
    assert Rules().permits(ipaddress.ip_address(address))


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
@settings(max_examples=50)
def test_what_python_calls_private_is_never_open(address: Address) -> None:
    documentation = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20", "5f00::/16")
    if address.is_private and not any(address in ipaddress.ip_network(each) for each in documentation):
        assert not Rules().permits(address)


def test_the_settings_open_what_they_name_and_no_more() -> None:
    opened = rules(["10.8.0.0/16", "fd00:8::/32"])
    assert opened.permits(ipaddress.ip_address("10.8.1.1"))
    assert opened.permits(ipaddress.ip_address("fd00:8::1"))
    assert not opened.permits(ipaddress.ip_address("10.9.1.1"))
    assert ("local", "10.8.0.0/16") in set(routes(opened, version=4))
    assert ("prohibit", "10.0.0.0/8") in set(routes(opened, version=4))
    assert ("local", "fd00:8::/32") in set(routes(opened, version=6))


def test_a_range_that_is_opened_whole_is_not_prohibited() -> None:
    assert ("prohibit", "10.0.0.0/8") not in set(routes(rules(["10.0.0.0/8"]), version=4))


def test_a_network_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.300"):
        rules(["10.0.0.300/8"])


def test_this_hosts_own_addresses_do_not_lead_away() -> None:
    assert not leads_away(ipaddress.ip_address("127.0.0.1"))
    assert not leads_away(ipaddress.ip_address("::1"))
    assert not leads_away(ipaddress.ip_address("255.255.255.255"))


def test_the_kernels_word_counts_unless_the_settings_name_the_address() -> None:
    ours = Judge(rules(["198.51.100.0/24"]), lambda _: False)
    assert ours.permits("198.51.100.2")
    assert not ours.permits("8.8.8.8")


def test_nameservers_are_read() -> None:
    """Source: resolv.conf(5)."""
    text = "# x\nnameserver 127.0.0.53\noptions edns0\nnameserver fe80::1%eth0\nnameserver\nsearch a b\n"
    assert resolvers(text) == ["127.0.0.53", "fe80::1"]


@given(st.text())
@settings(max_examples=50)
def test_any_text_is_a_resolver_file(text: str) -> None:
    assert isinstance(resolvers(text), list)


def test_the_address_that_was_meant_is_read_from_the_kernels_note() -> None:
    four = b"\x02\x00\x14\xe9\x08\x08\x08\x08" + bytes(8)
    assert meant([(socket.IPPROTO_IP, 20, four)]) == ("8.8.8.8", 5353)
    assert meant([(0, 1, b"")]) is None
