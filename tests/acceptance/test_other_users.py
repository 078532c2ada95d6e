"""What other users of the host can read of a server's data folder: by whom it runs, and nothing of its customers."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

OTHERS_ENTER, OTHERS_READ = stat.S_IXGRP | stat.S_IXOTH, stat.S_IRGRP | stat.S_IROTH
SAME_FOR_ALL = {"runtime"}  # the runtimes' own programs
TELLS_THE_PORT = {"run/endpoint.json"}


def readable_by_others(folder: Path) -> Iterator[Path]:
    """Files that somebody else may open; entering the folder itself is granted."""
    for path in folder.iterdir():
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:  # the server goes on meanwhile
            continue
        if path.name in SAME_FOR_ALL:
            continue
        if stat.S_ISDIR(mode) and mode & OTHERS_ENTER:
            yield from readable_by_others(path)
        elif not stat.S_ISDIR(mode) and mode & OTHERS_READ:
            yield path


def test_other_users_of_the_host_read_no_code_and_no_data(platform: "Platform") -> None:
    name = platform.create("def handler(event, context): return open(__file__).read()")
    answer, _, _ = platform.invoke(name, None)
    assert "def handler" in str(answer), "the function itself reads its code"
    data = platform.server.data
    assert any((data / "code").glob("*/*")), "unpacked code is there"
    read = {str(path.relative_to(data)) for path in readable_by_others(data)}
    assert read <= TELLS_THE_PORT
