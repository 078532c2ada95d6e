"""What Lambent makes for its own endpoint: names, lives, modes, and that strict clients take it."""

import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from lambent.gateway.http.certificates import (
    RENEWED_DAYS_BEFORE,
    SERVER_DAYS,
    AuthorityDamaged,
    Certificates,
    make_authority,
    make_server,
    names_of_endpoint,
)

NOW_S = 1_800_000_000.0
DAY_S = 86_400.0
NAMES = names_of_endpoint("127.0.0.1", ["us-east-1"], [])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    "name",
    ["localhost", "*.s3.localhost", "*.execute-api.us-east-1.localhost", "*.lambda-url.us-east-1.localhost", "::1"],
)
def test_the_endpoint_is_known_by_the_names_that_resources_have(name: str) -> None:
    assert name in NAMES


def test_an_address_that_stands_for_all_is_no_name() -> None:
    assert "0.0.0.0" not in names_of_endpoint("0.0.0.0", [], [])
    assert "10.0.0.7" in names_of_endpoint("10.0.0.7", [], [])


def test_a_strict_client_takes_the_chain() -> None:
    """RFC 5280's own rules, as `cryptography` checks them for a server."""
    authority = make_authority(NOW_S)
    certificate, issuer = x509.load_pem_x509_certificates(make_server(authority, ["a.localhost"], NOW_S))
    at = datetime.fromtimestamp(NOW_S, UTC)
    policy = PolicyBuilder().store(Store([issuer])).time(at).build_server_verifier(x509.DNSName("a.localhost"))
    assert policy.verify(certificate, [])


def test_keys_are_private_and_the_authority_is_not(tmp_path: Path) -> None:
    made = Certificates(tmp_path / "tls", NAMES)
    assert made.renew(NOW_S)
    assert mode(tmp_path / "tls" / "ca-key.pem") == mode(made.server_path) == 0o600
    assert mode(made.authority_path) == 0o644
    assert b"PRIVATE" not in made.authority_path.read_bytes()
    ssl.create_default_context(cafile=made.authority_path)


def test_a_certificate_is_made_anew_in_time_under_the_same_authority(tmp_path: Path) -> None:
    made = Certificates(tmp_path / "tls", NAMES)
    made.renew(NOW_S)
    first, authority = made.server_path.read_bytes(), made.authority_path.read_bytes()
    soon_s = NOW_S + (SERVER_DAYS - RENEWED_DAYS_BEFORE) * DAY_S
    assert not made.renew(soon_s - 1)
    assert made.renew(soon_s)
    assert made.server_path.read_bytes() != first
    assert made.authority_path.read_bytes() == authority


def test_other_names_make_another_certificate(tmp_path: Path) -> None:
    Certificates(tmp_path, NAMES).renew(NOW_S)
    assert not Certificates(tmp_path, NAMES).renew(NOW_S)
    assert Certificates(tmp_path, [*NAMES, "lambent.example.com"]).renew(NOW_S)


def test_a_damaged_certificate_is_made_anew_and_a_damaged_authority_is_named(tmp_path: Path) -> None:
    """What programs trust is not replaced behind their back: the operator says so, by removing it."""
    made = Certificates(tmp_path, NAMES)
    made.renew(NOW_S)
    made.server_path.write_text("nothing")
    assert made.renew(NOW_S)
    x509.load_pem_x509_certificate(made.server_path.read_bytes())
    (tmp_path / "ca-key.pem").write_text("nothing")
    made.server_path.unlink()
    with pytest.raises(AuthorityDamaged, match=r"ca-key\.pem holds no authority: put it back, or remove it"):
        made.renew(NOW_S)
