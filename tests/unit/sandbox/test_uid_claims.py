"""Two agents of one host do not give the same uids."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lambent.sandbox import uid_claims
from lambent.sandbox.api import SandboxFailure
from lambent.sandbox.uid_claims import HOST_UIDS, claimed

FIRST = 1_051_000


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    return tmp_path / "lambent" / "uids"


def test_the_first_agent_has_the_range_that_was_asked_for(claims: Path) -> None:
    with claimed(FIRST, claims) as first:
        assert first == FIRST


def test_the_next_agent_has_the_next_range(claims: Path) -> None:
    with claimed(FIRST, claims), claimed(FIRST, claims) as second, claimed(FIRST, claims) as third:
        assert (second, third) == (FIRST + HOST_UIDS, FIRST + 2 * HOST_UIDS)


def test_a_range_is_free_again_when_its_agent_has_gone(claims: Path) -> None:
    with claimed(FIRST, claims):
        pass
    with claimed(FIRST, claims) as first:
        assert first == FIRST


@given(st.lists(st.integers(0, 5 * HOST_UIDS), min_size=2, max_size=2))
@hypothesis_settings(max_examples=50)
def test_ranges_that_begin_anywhere_do_not_overlap(tmp_path_factory: pytest.TempPathFactory, bases: list[int]) -> None:
    claims = tmp_path_factory.mktemp("claims") / "uids"
    with claimed(bases[0], claims) as first, claimed(bases[1], claims) as second:
        assert abs(first - second) >= HOST_UIDS


def test_without_a_free_range_there_is_no_agent(claims: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uid_claims, "MOST_AGENTS", 1)
    with claimed(FIRST, claims), pytest.raises(SandboxFailure, match="sandbox_uid_base"), claimed(FIRST, claims):
        pass


def test_a_host_that_takes_no_claims_has_agents(tmp_path: Path) -> None:
    (tmp_path / "lambent").write_text("not a folder")
    with claimed(FIRST, tmp_path / "lambent" / "uids") as first:
        assert first == FIRST
