"""Quotas as settings: numbers, or none for no wall; each is used, and Lambda's each have a test."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from lambent.cli.flags import flags
from lambent.config import NO_WALL, NO_WALL_BYTES, Quotas

HOUSE = Path(__file__).parents[2]
MAY_BE_NONE = {flag.path[1]: flag for flag in flags() if flag.metavar.endswith("|none")}


@pytest.mark.parametrize("name", MAY_BE_NONE)
def test_none_is_no_wall_and_survives_being_handed_to_the_parts(name: str) -> None:
    quotas = Quotas.model_validate({name: "none"})
    assert getattr(quotas, name) in (NO_WALL, NO_WALL_BYTES)
    assert Quotas.model_validate_json(quotas.model_dump_json()) == quotas
    assert MAY_BE_NONE[name].metavar == "INTEGER|none"


@pytest.mark.parametrize("wrong", ["never", -1, "1.5", None])
def test_anything_else_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        Quotas.model_validate({"timeout_s_max": wrong})


def test_a_kernel_needs_a_number() -> None:
    for name in ("processes", "file_descriptors"):
        with pytest.raises(ValidationError):
            Quotas.model_validate({name: "none"})


def test_each_quota_is_looked_at_somewhere() -> None:
    sources = [path.read_text() for path in (HOUSE / "src").rglob("*.py") if path.name != "config.py"]
    unused = [name for name in Quotas.model_fields if not any(re.search(rf"\.{name}\b", text) for text in sources)]
    assert unused == []


def test_each_upper_limit_of_lambda_is_in_the_test_that_lowers_it() -> None:
    lowered = (HOUSE / "tests/acceptance/test_quotas.py").read_text()
    assert [name for name in MAY_BE_NONE if f'"{name.replace("_", "-")}"' not in lowered] == []
