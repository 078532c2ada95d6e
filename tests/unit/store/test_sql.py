"""SQL as package data: names, numbers, and what is refused."""

import sys
from pathlib import Path

import pytest

from lambent.store.sql import Schema, load_queries, load_schema, parse_queries


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    name = f"sqltest_{abs(hash(request.node.name))}"
    folder = tmp_path / name
    (folder / "sql" / "migrations").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "sql" / "schema.sql").write_text("CREATE TABLE a (x, y);")
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop(name, None)
    return folder


def test_queries_are_found_by_item_and_by_attribute(package: Path) -> None:
    (package / "sql" / "one.sql").write_text("-- About.\n-- name: add\nINSERT INTO a VALUES (:x, 1);\n\n")
    (package / "sql" / "two.sql").write_text("-- name: count_all\nSELECT count(*)\nFROM a")
    queries = load_queries(package.name)
    assert dict(queries) == {"add": "INSERT INTO a VALUES (:x, 1)", "count_all": "SELECT count(*)\nFROM a"}
    assert queries.add == queries["add"]
    with pytest.raises(AttributeError, match="no statement is called remove"):
        queries.remove  # noqa: B018


def test_a_name_that_is_used_twice_is_refused(package: Path) -> None:
    (package / "sql" / "one.sql").write_text("-- name: add\nSELECT 1")
    (package / "sql" / "two.sql").write_text("-- name: add\nSELECT 2")
    with pytest.raises(ValueError, match="two statements are called add"):
        load_queries(package.name)
    with pytest.raises(ValueError, match="two statements are called add"):
        parse_queries("-- name: add\nSELECT 1;\n-- name: add\nSELECT 1;")


def test_a_schema_without_migrations_is_version_one(package: Path) -> None:
    schema = load_schema(package.name)
    assert schema.version == 1
    assert schema.steps_from(0) == ("CREATE TABLE a (x, y);",)
    assert schema.steps_from(1) == ()


def test_migrations_are_run_from_the_version_that_is_there(package: Path) -> None:
    (package / "sql" / "migrations" / "0001_first.sql").write_text("CREATE TABLE a (x);")
    (package / "sql" / "migrations" / "0002_add_y.sql").write_text("ALTER TABLE a ADD COLUMN y;")
    schema = load_schema(package.name)
    assert schema.version == 2
    assert schema.steps_from(0) == (schema.present,)
    assert schema.steps_from(1) == ("ALTER TABLE a ADD COLUMN y;",)


@pytest.mark.parametrize("name", ["0002_gap.sql", "first.sql", "0001-first.sql"])
def test_a_migration_that_is_misnumbered_is_refused(package: Path, name: str) -> None:
    (package / "sql" / "migrations" / name).write_text("SELECT 1;")
    with pytest.raises(ValueError, match="expected migration 0001"):
        load_schema(package.name)


def test_a_schema_knows_its_newest_version() -> None:
    assert Schema("p", "", ("a", "b", "c")).version == 3
