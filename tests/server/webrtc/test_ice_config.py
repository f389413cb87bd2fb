"""What an operator writes of STUN, TURN and ports."""

import pytest

from server.webrtc.ice_config import (
    IceConfig,
    IceServer,
    parse_ice_servers,
    parse_udp_ports,
    without_credentials,
)


def test_servers_are_read_with_their_defaults() -> None:
    servers = parse_ice_servers("stun:stun.example.org, turns:bob:pa55@[::1]:443")
    assert servers == (
        IceServer("stun", "stun.example.org", 3478),
        IceServer("turns", "::1", 443, "bob", "pa55", "tcp"),
    )
    config = IceConfig(servers)
    assert (config.stun, config.turn) == servers


def test_a_page_is_told_of_stun_and_never_of_credentials() -> None:
    config = IceConfig(parse_ice_servers("turn:bob:pa55@relay.example.org,stun:s.example.org"))
    assert config.public_urls == ("stun:s.example.org:3478",)
    assert "pa55" not in repr(config)
    assert IceConfig().public_urls == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("https://example.org", "should look like"),
        ("turn:relay.example.org", "without credentials"),
        ("stun:bob:pa55@example.org", "knows neither"),
        ("stun:a,stun:b", "several"),
        ("stun:a:99999", "1 to 65535"),
        ("turns:a:b@c?transport=udp", "tcp"),
    ],
)
def test_a_wrong_server_is_told_what_is_right(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_ice_servers(text)


def test_what_is_shown_of_a_wrong_value_has_no_password() -> None:
    assert without_credentials("turn:bob:pa55@c,stun:d:x") == "turn:***@c,stun:d:x"


def test_ports_are_a_range() -> None:
    assert parse_udp_ports("50000-50100") == (50000, 50100)


@pytest.mark.parametrize("text", ["50000", "50100-50000", "80-90", "50000-70000", "a-b"])
def test_a_wrong_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ports"):
        parse_udp_ports(text)
