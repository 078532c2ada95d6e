"""`lambent image`, as people use it: on a data folder of its own, without a server."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.images.layouts import Layout, entry

LAMBENT = Path(sys.executable).parent / "lambent"


class Folder:
    """A data folder, and the command line on it."""

    def __init__(self, home: Path) -> None:
        self.home, self.data = home, home / "data"

    def command(self, *words: str | Path) -> list[str]:
        return [str(word) for word in (LAMBENT, "image", *words, "--data", self.data)]

    def __call__(self, *words: str | Path) -> Any:
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=120, check=False)

    def layout(self, name: str, content: str = "x", **config: Any) -> Layout:
        made = Layout(self.home / name).add([entry("shared", "s" * 1000)]).add([entry("own", content)])
        return made.finish(**({"name": f"registry.example/team/{name}:2", "Cmd": ["/own"]} | config))

    def layers(self) -> list[str]:
        return sorted(each.name for each in (self.data / "images/layers").iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_images_are_imported_listed_and_removed(folder: Folder) -> None:
    assert (folder("list").returncode, folder("list").stdout) == (0, "")
    one, two = folder.layout("one"), folder.layout("two", "y")
    assert folder("import", one.place).stdout.split() == ["localhost/one:2", one.digest]  # by the name in the file
    assert folder("import", two.place, "--name", "team/two:7").returncode == 0
    assert folder("import", two.place, "--name", "team/two:7").returncode == 0  # twice is once
    listed = [line.split() for line in folder("list").stdout.splitlines()]
    assert listed == [["localhost/one:2", one.digest], ["localhost/team/two:7", two.digest]]
    assert len(folder.layers()) == 3  # what both have is there once
    assert folder("remove", "localhost/one:2").returncode == 0
    done = folder("remove", "one:2")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no image called localhost/one:2" in " ".join(done.stderr.split())
    assert folder("list").stdout.split() == ["localhost/team/two:7", two.digest]


def test_a_name_that_is_imported_again_leads_to_the_newer_image(folder: Folder) -> None:
    old, new = folder.layout("old"), folder.layout("new", "y")
    for each in (old, new):
        assert folder("import", each.place, "--name", "app:1").returncode == 0
    assert folder("list").stdout.split() == ["localhost/app:1", new.digest]


@pytest.mark.parametrize(("words", "told"), [
    (("import",), "say what: lambent image import ..."),
    (("list", "x"), "`list` shows all images"),
    (("import", "/nowhere"), "neither a folder nor a tar"),
    (("pull", "localhost/app:1"), "is not of a registry; import it from a file"),
    (("pull", "Nonsense"), "is not the name of an image"),
    (("pull", "127.0.0.1:1/a:1", "--plain-http"), "cannot be reached"),
    (("remove", "none:1"), "there is no image called localhost/none:1"),
])  # fmt: skip
def test_what_cannot_be_done_is_told_in_a_sentence(folder: Folder, words: tuple[str, ...], told: str) -> None:
    done = folder(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_layer_that_is_not_what_its_manifest_says_is_not_kept(folder: Folder) -> None:
    made = folder.layout("one")
    blob = made.place / "blobs/sha256" / made.layers[1]["digest"][7:]
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    done = folder("import", made.place)
    assert (done.returncode, done.stdout) == (1, "")
    assert folder("list").stdout == ""
    assert folder.layers() == [made.diff_ids[0][7:]]  # the one that was whole, until it is collected


class Held:
    """An import that has come to its second layer and waits there."""

    def __init__(self, folder: Folder, stderr: int) -> None:
        made = folder.layout("one")
        self.first = made.diff_ids[0][7:]
        self.blob = made.place / "blobs/sha256" / made.layers[1]["digest"][7:]
        self.data = self.blob.read_bytes()
        self.blob.unlink()
        os.mkfifo(self.blob)
        variables = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
        listening = ["env", "--default-signal=INT"]  # a shell's background jobs ignore it
        command = [*listening, *folder.command("import", made.place)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, env=variables)
        self.writer = os.open(self.blob, os.O_WRONLY)  # returns when somebody reads

    def go_on(self) -> None:
        os.write(self.writer, self.data)
        os.close(self.writer)


def test_progress_is_shown_to_people_and_only_to_them(folder: Folder) -> None:
    screen, theirs = pty.openpty()
    held = Held(folder, theirs)
    os.close(theirs)
    shown = b""
    while b"bytes" not in shown and b"kB" not in shown:
        shown += os.read(screen, 4096)
    assert b"localhost/one:2" in shown
    held.go_on()
    out, _ = held.process.communicate(timeout=60)
    assert held.process.returncode == 0
    assert out.split()[0] == b"localhost/one:2"
    os.close(screen)


def test_ctrl_c_leaves_nothing_half_made(folder: Folder) -> None:
    held = Held(folder, subprocess.PIPE)
    held.process.send_signal(signal.SIGINT)
    out, err = held.process.communicate(timeout=60)
    os.close(held.writer)
    assert held.process.returncode == 130
    assert (out, b"Traceback" in err) == (b"", False)
    assert folder("list").stdout == ""
    assert folder.layers() == [held.first]  # no folder of the one that it was at
    held.blob.unlink()
    held.blob.write_bytes(held.data)
    assert folder("import", held.blob.parents[2]).returncode == 0
    assert len(folder.layers()) == 2
