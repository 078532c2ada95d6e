"""The programs in Go and Rust that `make test` builds, out of tests/acceptance/go and tests/acceptance/rust."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.acceptance.test_custom_runtimes import create, package

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

BUILT = Path(__file__).parents[1] / "build"
OTHERWISE = {
    "go": "the programs in Go are not built: install Go, then `make test`",
    "rust": "the programs in Rust are not built: install Rust with cargo, then `make test`",
}


def program(language: str, name: str) -> bytes:
    """A program of the folder of that name. Skips where it was not built."""
    place = BUILT / language / name
    if not place.exists():
        pytest.skip(OTHERWISE[language])
    return place.read_bytes()


class Functions:
    """Functions of one language's `programs`: the name of one for each handler and what else it is given."""

    def __init__(self, platform: "Platform", language: str) -> None:
        self._platform, self._language = platform, language
        self._made: dict[str, str] = {}

    def __call__(self, handler: str, **more: Any) -> str:
        key = f"{handler} {more}"
        if key not in self._made:
            code = package({"bootstrap": program(self._language, "programs")})
            wanted = {"Handler": handler, "MemorySize": 256, "Timeout": 60} | more
            self._made[key] = create(self._platform, code, **wanted)
        return self._made[key]
