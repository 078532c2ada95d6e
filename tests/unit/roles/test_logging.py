"""How the platform's own log looks."""

import io

import pytest

from lambent.roles.logging import is_coloured


class Terminal(io.StringIO):
    """A person's."""

    def isatty(self) -> bool:
        """As a terminal says."""
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "coloured"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (io.StringIO(), {}, False),
    ],
)
def test_colours_are_for_a_person_who_wants_them(stream: io.StringIO, environ: dict[str, str], coloured: bool) -> None:
    """Source: no-color.org."""
    assert is_coloured(stream, environ) is coloured
