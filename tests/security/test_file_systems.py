"""A folder that the operator lends is all of the host that a function with FileSystemConfigs reaches besides its own.

The rules are EFS's of an access point: one user for everything that is written through it, and no rights gained.
"""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lambent.errors import ServiceError
from lambent.file_systems import parse
from lambent.ids import SystemIds
from lambent.model.environment import Mount

if TYPE_CHECKING:
    from tests.security.conftest import AgentProcess, Edge

OWNER = 64_555  # of the folders, where root runs the agent
USER = 64_242  # who runs the agent, where an ordinary user does (see conftest.OrdinaryUser)
CLOSED = ("EACCES", "EPERM", "EOVERFLOW")  # the last for an owner who has no number here
FOLDERS = ("shared", "books", "private")
ACCOUNT, REGION = "0" * 12, "us-east-1"

RUN = """
import errno, os, stat, subprocess
def attempt(action, *arguments):
    try:
        return action(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
def write(path, text):
    with open(path, "a") as file:
        file.write(text)
    return "done"
def handler(event, context):
    return eval(event)
"""


class Lender:
    """An edge of an agent that lends two folders, `shared` and (read only) `books`; `private` is beside them."""

    def __init__(self, edge: "Edge", home: Path, owner: int) -> None:
        self.edge, self.home, self.owner = edge, home, owner

    async def run(self, name: str, expression: str, path: str = "/mnt/data") -> Any:
        """What a function that mounts the folder finds."""
        mount = Mount(parse(f"{name}=/x", ACCOUNT, REGION).place, path)
        return await self.edge.run(RUN, expression, mount=mount)


@pytest.fixture(scope="module")
def lending(agent: "AgentProcess") -> Iterator[tuple["AgentProcess", Path]]:
    """One agent for all tests here, and the folders' folder."""
    home = Path(tempfile.mkdtemp(prefix="lambent-lent-", dir="/tmp"))
    home.chmod(0o755)
    for name in FOLDERS:
        (home / name).mkdir()
    texts = [f"shared={home}/shared", f"books={home}/books:ro", f"gone={home}/gone"]
    running = agent.another(home.parent / f"{home.name}-agent", file_system=json.dumps(texts))
    yield running, home
    assert running.stop() == 0
    shutil.rmtree(running.data, ignore_errors=True)
    shutil.rmtree(home)


def refill(home: Path, owner: int) -> None:
    """The folders as every test finds them."""
    for name in FOLDERS:
        folder = home / name
        for each in folder.iterdir():
            shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
        (folder / "deep").mkdir()
        (folder / "word").write_text(name)
        (folder / "word").chmod(0o600)
        if os.geteuid() == 0:
            for path in (folder, folder / "deep", folder / "word"):
                os.chown(path, owner, owner)


@pytest.fixture
async def lender(lending: tuple["AgentProcess", Path], edge: "Edge") -> AsyncIterator[Lender]:
    running, home = lending
    owner = OWNER if running.host_root else USER
    refill(home, owner)
    async with asyncio.timeout(60):
        while not running.ready():
            await asyncio.sleep(0.01)
    mine = type(edge)(running, SystemIds().uuid().__hash__() % 1_000_000)
    await mine.connect()
    yield Lender(mine, home, owner)
    await mine.close()


async def test_a_function_writes_as_the_folders_owner(lender: Lender) -> None:
    assert await lender.run("shared", "write('/mnt/data/word', '!') + open('/mnt/data/word').read()") == "doneshared!"
    assert await lender.run("shared", "write('/mnt/data/new', 'n')") == "done"
    found = (lender.home / "shared/new").stat()
    assert (found.st_uid, found.st_gid) == (lender.owner, lender.owner)
    mine = "[os.stat('/mnt/data/new').st_uid == os.getuid(), os.getuid() != 0]"
    assert await lender.run("shared", mine) == [True, True]


async def test_what_is_lent_for_reading_cannot_be_changed(lender: Lender) -> None:
    answer = await lender.run(
        "books",
        "[open('/mnt/data/word').read(), attempt(write, '/mnt/data/word', '!'), attempt(os.unlink, '/mnt/data/word'), "
        "attempt(os.mkdir, '/mnt/data/x'), attempt(os.chmod, '/mnt/data/word', 0o777)]",
    )
    assert answer == ["books", "EROFS", "EROFS", "EROFS", "EROFS"]


async def test_no_path_leads_out_of_the_folder(lender: Lender) -> None:
    os.symlink(lender.home / "private", lender.home / "shared/out")
    os.symlink("../private/word", lender.home / "shared/beside")
    answer = await lender.run(
        "shared",
        "[attempt(os.listdir, '/mnt/data/out'), attempt(open, '/mnt/data/beside'), sorted(os.listdir('/mnt')), "
        "sorted(os.listdir('/mnt/data/deep/../..')), attempt(os.listdir, '/.lambent'), "
        "attempt(os.mkdir, '/mnt/other'), attempt(os.rmdir, '/mnt/data'), attempt(os.rename, '/mnt/data', '/mnt/b'), "
        "attempt(os.link, '/etc/passwd', '/mnt/data/passwd')]",
    )
    root, read_only, busy = answer[3], answer[5], answer[6:8]
    assert answer[:3] == ["ENOENT", "ENOENT", ["data"]]
    assert root == ["data"]
    assert answer[4] in ([], "ENOENT")
    assert read_only == "EROFS"
    assert set(busy) <= {"EBUSY", "EROFS"}
    assert answer[8] == "EXDEV"


async def test_a_folder_that_is_moved_away_leads_nowhere(lender: Lender) -> None:
    """A process inside a folder that leaves the mount must not find its new parents through `..`."""
    deep = lender.home / "shared/deep"
    mount = Mount(parse("shared=/x", ACCOUNT, REGION).place, "/mnt/data")
    function = await lender.edge.function(RUN, mount=mount)
    assert await function("os.chdir('/mnt/data/deep')") is None
    deep.rename(lender.home / "private/deeper")
    assert await function("[attempt(os.listdir, '..'), attempt(open, '../word')]") == ["ENOENT", "ENOENT"]


async def test_a_file_there_gives_no_rights_and_no_device(lender: Lender) -> None:
    shutil.copy("/usr/bin/id", lender.home / "shared/id")
    if os.geteuid() == 0:
        os.chown(lender.home / "shared/id", 0, 0)
        os.mknod(lender.home / "shared/disk", 0o666 | 0o020000, os.makedev(1, 3))
    (lender.home / "shared/id").chmod(0o4755)
    answer = await lender.run(
        "shared",
        "[subprocess.run(['/mnt/data/id', '-u'], capture_output=True, text=True).stdout.strip() == str(os.getuid()), "
        "attempt(open, '/mnt/data/disk'), attempt(os.mknod, '/mnt/data/d', 0o60666, os.makedev(8, 0))]",
    )
    assert answer[0] is True
    assert answer[1] in ("EACCES", "ENOENT")  # there is one only where root has made it
    assert answer[2] == "EPERM"


async def test_what_others_own_there_is_not_the_functions(lender: Lender) -> None:
    if lender.owner != OWNER:
        pytest.skip("an ordinary user has no files of others")
    for name, owner in (("roots", 0), ("others", OWNER + 1)):
        (lender.home / "shared" / name).write_text("x")
        os.chown(lender.home / "shared" / name, owner, owner)
        (lender.home / "shared" / name).chmod(0o666)
    answer = await lender.run(
        "shared",
        "[[open(f).read(), attempt(write, f, '!'), attempt(os.chmod, f, 0o4755)]"
        " for f in ('/mnt/data/roots', '/mnt/data/others')]",
    )
    assert [each[0] for each in answer] == ["x", "x"]
    assert all(each[1] in CLOSED and each[2] in CLOSED for each in answer), answer


async def test_functions_without_it_see_nothing_of_it(lender: Lender) -> None:
    seen = (
        "[os.listdir('/mnt'), attempt(os.listdir, '/.lambent'), open('/proc/self/mountinfo').read().count('/shared ')]"
    )
    answer = await lender.edge.run(RUN, seen)
    assert answer[0] == []
    assert answer[1] in ([], "ENOENT")
    assert answer[2] == 0
    other = await lender.run("books", "[os.listdir('/mnt'), open('/proc/self/mountinfo').read().count('/shared ')]")
    assert other == [["data"], 0]


@pytest.mark.parametrize("name", ["gone", "never"])
async def test_what_is_not_there_is_a_mount_failure_and_harms_nobody(lender: Lender, name: str) -> None:
    with pytest.raises(ServiceError) as refused:
        await lender.run(name, "1")
    assert (refused.value.code, refused.value.status) == ("EFSMountFailureException", 403)
    assert await lender.edge.run(RUN, "'well'") == "well"


async def test_a_folder_that_became_roots_is_written_by_nobody(lender: Lender) -> None:
    if lender.owner != OWNER:
        pytest.skip("an ordinary user lends what the kernel lets that user write")
    os.chown(lender.home / "shared", 0, 0)
    with pytest.raises(ServiceError, match="belongs to root"):
        await lender.run("shared", "1")
