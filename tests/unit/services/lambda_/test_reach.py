"""The tag that says what a function may reach."""

import pytest

from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.reach import REACHES, check_reach, keyed, reach_of, unkeyed


@pytest.mark.parametrize("reach", [*REACHES, None])
def test_an_environment_key_says_the_reach(reach: str | None) -> None:
    assert unkeyed(keyed("abc", reach)) == ("abc", reach)  # type: ignore[arg-type]


def test_a_function_without_the_tag_has_the_nodes_default() -> None:
    assert reach_of({"team": "egress"}) is None
    assert keyed("abc", None) == "abc"


def test_another_word_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(InvalidParameter, match="none, platform, egress, not internet"):
        check_reach({"lambent:network": "internet"}, None)


def test_what_the_host_cannot_do_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidParameter, match="Install nftables"):
        check_reach({"lambent:network": "egress"}, "Install nftables.")
    check_reach({"lambent:network": "none"}, "Install nftables.")
