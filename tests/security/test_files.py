"""What a function can find and change on disk: its own code, its own /tmp, and nothing of the host's."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.security.conftest import Edge

ATTEMPT = """
import errno, os
def attempt(action, *arguments):
    try:
        action(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"
"""


async def test_the_root_holds_only_what_the_plan_names(edge: "Edge") -> None:
    answer = await edge.run(
        "import os\ndef handler(e, c): return {n: sorted(os.listdir(n)) for n in e}",
        ["/", "/home", "/root", "/run", "/sys", "/mnt", "/.lambent", "/usr/local", "/usr/src"],
    )
    assert set(answer["/"]) <= {
        "bin",
        "dev",
        "etc",
        "home",
        "lib",
        "lib32",
        "lib64",
        "libx32",
        "mnt",
        "opt",
        "proc",
        "root",
        "run",
        "sbin",
        "sys",
        "tmp",
        "usr",
        "var",
        ".lambent",
    }
    del answer["/"]
    assert not any(answer.values()), answer


async def test_secrets_and_the_data_of_the_host_do_not_exist(edge: "Edge") -> None:
    wanted = [
        "/etc/shadow",
        "/etc/sudoers",
        "/etc/ssh",
        "/etc/ssl/private",
        "/work",
        "/root/.ssh",
        "/var/log",
        "/var/lib",
        "/dev/shm",
        "/dev/mem",
        "/dev/kmsg",
        "/dev/loop0",
        "/proc/1/root/etc",
        str(edge.agent.data),
    ]
    assert await edge.run("import os\ndef handler(e, c): return [p for p in e if os.path.lexists(p)]", wanted) == []


async def test_nothing_outside_tmp_can_be_written(edge: "Edge") -> None:
    source = (
        ATTEMPT
        + """
def handler(paths, context):
    answers = {}
    for top in paths:
        answers[top] = attempt(lambda: open(top + "/x", "w"))
    writable = []
    for top, folders, _ in os.walk("/", followlinks=False):
        folders[:] = [name for name in folders if top + name not in ("/proc", "/usr", "/tmp")]
        if attempt(os.mkdir, top + "/x") == "done":
            writable.append(top)
    return answers, writable
"""
    )
    answers, writable = await edge.run(
        source, ["/", "/var/task", "/opt", "/usr", "/etc", "/dev", "/var/runtime", "/var/lang", "/proc/sys/kernel"]
    )
    assert set(answers.values()) <= {"EROFS", "EACCES", "ENOENT"}, answers
    assert writable == []


async def test_code_cannot_be_changed_nor_read_of_another_function(edge: "Edge") -> None:
    other = edge.agent.code("SECRET = 1")
    source = (
        ATTEMPT
        + """
def handler(other, context):
    return [attempt(os.chmod, "/var/task/app.py", 0o777), attempt(os.unlink, "/var/task/app.py"),
            attempt(os.listdir, "/var/task/../" + other), attempt(os.listdir, "/.lambent/code/" + other)]
"""
    )
    assert await edge.run(source, other) == ["EROFS", "EROFS", "ENOENT", "ENOENT"]


async def test_each_environment_has_a_tmp_of_its_own_with_its_size(edge: "Edge", neighbour: object) -> None:
    source = """
import os
def handler(event, context):
    if event: open("/tmp/" + event, "w").write("mine")
    space = os.statvfs("/tmp")
    return os.listdir("/tmp"), space.f_blocks * space.f_frsize, oct(os.stat("/tmp").st_mode)
"""
    first, second = await edge.function(source), await edge.function(source, ephemeral_mb=1024)
    files, size, mode = await first("secret")
    assert (files, mode) == (["secret"], "0o41777")
    assert 512 * 2**20 <= size <= 532 * 2**20
    files, size, _ = await second()
    assert files == []
    assert 1024 * 2**20 <= size <= 1050 * 2**20


async def test_a_full_tmp_is_the_functions_own_problem(edge: "Edge", neighbour: object) -> None:
    source = """
import errno
def handler(event, context):
    written = 0
    with open("/tmp/fill", "wb", buffering=0) as file:
        try:
            while True: written += file.write(b"x" * 2**20)
        except OSError as error:
            return written, errno.errorcode[error.errno]
"""
    function = await edge.function(source)  # 128 MB of memory, 512 MB of disk
    written, error = await function()
    assert error == "ENOSPC"
    assert 512 * 2**20 <= written <= 522 * 2**20


async def test_devices_and_setuid_files_mean_nothing_in_tmp(edge: "Edge") -> None:
    source = (
        ATTEMPT
        + """
import stat, shutil, subprocess
def handler(event, context):
    kinds = (stat.S_IFCHR, stat.S_IFBLK)
    made = [attempt(os.mknod, "/tmp/d%d" % kind, 0o666 | kind, os.makedev(1, 1)) for kind in kinds]
    shutil.copy("/usr/bin/id", "/tmp/id")
    os.chmod("/tmp/id", 0o4755)
    told = subprocess.run(["/tmp/id", "-u"], capture_output=True, text=True).stdout.strip()
    return made, told == str(os.getuid()), attempt(os.mkfifo, "/tmp/fifo")
"""
    )
    assert await edge.run(source) == [["EPERM", "EPERM"], True, "done"]


async def test_a_setuid_program_of_the_host_gives_no_rights(edge: "Edge") -> None:
    source = """
import glob, os, subprocess
def handler(event, context):
    found = [p for p in glob.glob("/usr/bin/*") if os.stat(p).st_mode & 0o4000]
    told = subprocess.run(["/bin/su", "-c", "id -u"], input="", capture_output=True, text=True)
    nosuid = all("nosuid" in line.split()[3] for line in open("/proc/mounts"))
    return len(found), told.returncode, "0" in told.stdout.split(), nosuid
"""
    _, status, root, nosuid = await edge.run(source)
    assert status != 0
    assert not root
    assert nosuid


async def test_layers_are_merged_under_opt_and_the_last_one_wins(edge: "Edge") -> None:
    one = edge.agent.code("", {"python/shared.py": b"NAME = 'one'", "one.txt": b"1"})
    two = edge.agent.code("", {"python/shared.py": b"NAME = 'two'", "two.txt": b"2"})
    source = """
import os, shared
def handler(event, context):
    try: open("/opt/x", "w"); written = True
    except OSError: written = False
    return shared.NAME, sorted(n for n in os.listdir("/opt") if n.endswith(".txt")), written
"""
    assert await edge.run(source, layers=(one, two)) == ["two", ["one.txt", "two.txt"], False]
    assert await edge.run(source, layers=(one,)) == ["one", ["one.txt"], False]


async def test_only_the_runtimes_own_libraries_can_be_imported(edge: "Edge") -> None:
    source = """
import importlib.util, subprocess, sys
def handler(names, context):
    mine = [name for name in names if importlib.util.find_spec(name)]
    child = "import importlib.util, sys; print([n for n in sys.argv[1:] if importlib.util.find_spec(n)])"
    theirs = subprocess.run([sys.executable, "-c", child, *names], capture_output=True, text=True).stdout.strip()
    return mine, theirs
"""
    foreign = ["msgspec", "granian", "lambent", "pydantic", "pip", "numpy", "cryptography", "uvloop"]
    assert await edge.run(source, foreign) == [[], "[]"]
    assert (await edge.run(source, ["boto3", "botocore", "urllib3", "six"]))[0] == [
        "boto3",
        "botocore",
        "urllib3",
        "six",
    ]


async def test_mounts_do_not_reach_the_host(edge: "Edge") -> None:
    await edge.run("def handler(e, c): return 1")
    with open("/proc/self/mountinfo") as mounts:
        assert str(edge.agent.data) not in mounts.read(), json.dumps("a sandbox's mount is seen outside")
