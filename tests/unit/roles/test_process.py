"""What a part says that cannot go on: a line about what the operator can mend, and all about a fault of ours."""

import errno
import sqlite3
from pathlib import Path

import pytest

from lambent.errors import InternalFailure, lacks_room
from lambent.gateway.failure import service_error_of
from lambent.roles.process import FAILED, HOPELESS, live
from lambent.store.api import SchemaTooNew, StoreFull
from lambent.store.sqlite.transaction import translated

FULL_DISK = OSError(errno.ENOSPC, "No space left on device", "/data/x")


def full_database(path: Path) -> sqlite3.Error:
    """What SQLite raises when it has no room."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA max_page_count = 2")
    connection.execute("CREATE TABLE t (x)")
    with pytest.raises(sqlite3.OperationalError) as raised:
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    connection.close()
    return raised.value


@pytest.mark.parametrize(("error", "code"), [(FULL_DISK, FAILED), (SchemaTooNew("too new"), HOPELESS)], ids=repr)
def test_what_the_operator_can_mend_is_a_line(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    def body() -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        live(body)
    said = capsys.readouterr()
    assert ended.value.code == code
    assert str(error) in said.out + said.err
    assert "Traceback" not in said.out + said.err


def test_a_fault_of_ours_is_not_hidden() -> None:
    def body() -> None:
        raise FileNotFoundError("ours")

    with pytest.raises(FileNotFoundError):
        live(body)


def test_a_database_without_room_is_told_from_one_with_another_trouble(tmp_path: Path) -> None:
    full = translated(full_database(tmp_path / "full"))
    assert isinstance(full, StoreFull)
    assert lacks_room(full)
    assert not lacks_room(translated(sqlite3.OperationalError("no such table: t")))


def test_a_caller_is_told_that_the_disk_is_full_and_the_log_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    told = service_error_of(FULL_DISK, operation="CreateFunction")
    assert isinstance(told, InternalFailure)
    assert "make room" in str(told)
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
