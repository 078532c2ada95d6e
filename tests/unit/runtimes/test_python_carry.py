"""What a snapshot's memory lacks is made anew under the same numbers. Run in a child, which has nothing else open."""

import subprocess
import sys
from pathlib import Path

import pytest

from lambent.environment import frames

RUNTIME = Path(frames.__file__).parents[1] / "runtimes" / "python"
SCRIPT = """
import importlib, os, select, signal, socket, sys, types
package = types.ModuleType("ours"); package.__path__ = [sys.argv[1]]; sys.modules["ours"] = package
carry = importlib.import_module("ours.carry")
carry.TMP = sys.argv[2]
os.chdir(sys.argv[2]); os.umask(0o027)
for number in (4, 5):  # the hand-over's, and one more, so that numbers are not those that come by themselves
    os.open("/dev/null", os.O_RDONLY)
text = open("text", "w+"); text.write("0123456789"); text.flush(); text.seek(4)
nameless = open("gone", "w+"); nameless.write("still here"); nameless.flush(); os.unlink("gone")
os.symlink("text", "link")
reader, writer = os.pipe()
left, right = socket.socketpair()
poll = select.epoll(); poll.register(left, select.EPOLLIN)
elsewhere = socket.create_server(("127.0.0.1", 0)); client = socket.create_connection(elsewhere.getsockname())
CALLED = []
signal.signal(signal.SIGUSR1, lambda *_: CALLED.append(1))
kept = carry.Carried()
before = sorted(os.listdir("/proc/self/fd"))
for number in range(4, 40):
    try: os.close(number)
    except OSError: pass
for name in os.listdir("."): os.unlink(name)
os.chdir("/"); os.umask(0); signal.signal(signal.SIGUSR1, signal.SIG_DFL)
kept.make_anew()
assert sorted(os.listdir("/proc/self/fd")) == before, (before, sorted(os.listdir("/proc/self/fd")))
assert os.getcwd() == os.path.realpath(sys.argv[2]) and os.umask(0) == 0o027
assert text.read() == "456789" and os.readlink("link") == "text"
nameless.seek(0); assert nameless.read() == "still here"
os.write(writer, b"through the pipe"); assert os.read(reader, 99) == b"through the pipe"
assert poll.poll(0) == []
right.send(b"through the pair"); assert [number for number, _ in poll.poll(1)] == [left.fileno()]
assert left.recv(99) == b"through the pair"
try: client.recv(1)
except OSError as error: assert error.errno == 107, error  # ENOTCONN
else: raise AssertionError("connected")
os.kill(os.getpid(), signal.SIGUSR1); assert CALLED == [1]
print("all there")
"""


@pytest.mark.skipif(not Path("/proc/self/fdinfo").exists(), reason="needs Linux's /proc")
def test_what_is_open_at_the_snapshot_is_there_again_under_its_number(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(RUNTIME), str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, close_fds=True)
    assert (ran.stdout, ran.returncode) == ("all there\n", 0), ran.stderr
