"""The runtime process of a sandbox, from its fork to the first line of the bootstrap.

It waits, still privileged, for its assignment; then it puts the function's own folders in place,
lets go of every right, and only then lets the bootstrap import what the user wrote. The order
matters and is all in `_settle`: mounts need rights, and the filter would refuse them.

Assignment: {"code", "layers", "handler", "initialization_type", "variables", "tmp_mb", "loop", "task_root", "nice",
"pausing", "image", "programs", "mount", "boot", "wrapper", "container"} with the descriptors channel and output
(unless the request had a "boot": then they came with it, and the program runs already, see `guest`), and with `image`
those of a snapshot's image and its plan (see `restore`). Answer: {"mount_us", "extensions"} with what `doors` made,
after which function code runs, or {"error", "not_mounted"}.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import stat
import sys
import time
from functools import partial
from typing import Any, NoReturn

from . import bootstrap, container, doors, guest, lent, restore, rights, supervisor, walls

HIDDEN = "/.lambent"
LENT = HIDDEN + "/lent"
CHANNEL, HANDOVER, IMAGE, PLAN = rights.CHANNEL, 4, 5, 6
# What differs between two environments of one version. All else that the function finds in its
# variables is as its init phase left it.
FRESH_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION")
TMP = "/tmp"  # noqa: S108 - a mount of the environment's own
ASSIGNMENT_BYTES = 1024 * 1024
LOOP_MAJOR = 7
OUT_OF_MEMORY_PREFERENCE = 500  # the function goes before anything else of the host does


def run(
    request: dict[str, Any], filters: list[bytes], assignment: socket.socket, descriptors: list[int], heir: int
) -> NoReturn:
    """Wait for the assignment and become its function; never returns. `descriptors`: with a "boot" the channel and the
    output, then the control groups to join. `heir`: where init is told who the runtime is, when it is not we."""
    kept, cgroups = (descriptors[:2], descriptors[2:]) if request["boot"] else ([], descriptors)
    heir = rights.raised(heir)
    try:
        _be_accounted_for(request["walls"], cgroups)
        early = guest.Early.start(request, filters, kept) if request["boot"] else None
        message, given, _, _ = socket.recv_fds(assignment, ASSIGNMENT_BYTES, 4)
        if message:
            started = time.perf_counter()
            spec = json.loads(message)
            if early is not None:
                early.require()
                early.be_nice(spec["nice"])
            os.nice(spec["nice"])
            _settle(request, spec, filters, kept or given)
            opened = doors.open_for(spec, walled=request["walls"])
            mount_us = round((time.perf_counter() - started) * 1e6)
            answer = json.dumps({"mount_us": mount_us, "extensions": opened.extensions}).encode()
            socket.send_fds(assignment, [answer], opened.theirs())
            assignment.close()
            _start(spec, opened, early, heir)
    except BaseException as error:  # there is no caller above us, only the zygote's frames
        mounted = not isinstance(error, lent.NotMounted)
        words = f"{type(error).__name__}: {error}" if mounted else str(error)
        assignment.send(json.dumps({"error": words, "not_mounted": not mounted}).encode())
    finally:
        os._exit(1)


def _be_accounted_for(walled: bool, cgroups: list[int]) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.setsid()
    # Woken, it lets the platform's process that woke it finish its turn: fewer switches, of which an answer takes many.
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    with open("/proc/self/oom_score_adj", "w") as preference:
        preference.write(str(OUT_OF_MEMORY_PREFERENCE))
    for descriptor in cgroups:
        os.write(descriptor, b"0")
    if walled:
        walls.unshare(walls.CLONE_NEWCGROUP)


def _settle(request: dict[str, Any], spec: dict[str, Any], filters: list[bytes], descriptors: list[int]) -> None:
    kernel_settings = rights.open_kernel_settings() if request["walls"] else -1
    if request["walls"]:
        if not spec["container"]:
            _mount_folders(spec)
        if spec["mount"]:
            lent.mount(spec["mount"], LENT, request["uid"])
        if (spec["tmp_mb"], spec["loop"]) != (request["tmp_mb"], request["loop"]):
            walls.detach(TMP)
            mount_tmp(spec["tmp_mb"], spec["loop"])
        if spec["container"]:
            container.step_in(f"{HIDDEN}/code/{spec['code']}", HIDDEN + "/root", lent=bool(spec["mount"]))
        else:
            walls.detach(HIDDEN)
    rights.take_descriptors(*descriptors[:2])
    spec["image"] = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 64) for each in descriptors[2:]]
    os.chdir("/" if spec["container"] else spec["task_root"])
    rights.set_limits(request["file_descriptors"])
    if request["walls"]:
        as_agent = bool(spec["mount"]) and not spec["mount"]["mapped"]  # who alone may write there
        rights.let_go(request, shared=request["shared_uid"] or as_agent, kernel_settings=kernel_settings)
    os.environ.clear()
    os.environ.update(spec["variables"])
    rights.close_the_door(filters if request["walls"] else [])


def _mount_folders(spec: dict[str, Any]) -> None:
    walls.mount(f"{HIDDEN}/code/{spec['code']}", "/var/task", flags=walls.MS_BIND)  # read-only like its source
    # Packages are folders by their content: two layers of the same content are one, which overlay takes once only.
    layers = [f"{HIDDEN}/code/{layer}" for layer in dict.fromkeys(reversed(spec["layers"]))]  # the last wins
    if len(layers) == 1:
        walls.mount(layers[0], "/opt", flags=walls.MS_BIND)
    elif layers:
        flags = walls.MS_RDONLY | walls.MS_NOSUID | walls.MS_NODEV
        walls.mount("overlay", "/opt", "overlay", flags, "lowerdir=" + ":".join(layers))


def mount_tmp(size_mb: int, loop: int) -> None:
    """A fresh /tmp: the file system on loop device number `loop`, or memory where that is negative."""
    flags = walls.MS_NOSUID | walls.MS_NODEV
    if loop < 0:
        walls.mount("tmpfs", TMP, "tmpfs", flags, f"size={size_mb}m,mode=1777")
        return
    device = f"{HIDDEN}/scratch/loop{loop}"
    os.mknod(device, 0o600 | stat.S_IFBLK, os.makedev(LOOP_MAJOR, loop))
    try:
        walls.mount(device, TMP, "ext4", flags)
    finally:
        os.unlink(device)


def _start(spec: dict[str, Any], opened: doors.Doors, early: guest.Early | None, heir: int) -> None:
    if spec["image"]:
        _restore(spec)
    if early is not None and not opened.extensions:
        early.assign(spec, opened.port)
        os.write(heir, str(early.pid).encode())
        os._exit(0)
    words, output = opened.take_places()
    first = CHANNEL + 1 if words < 0 else doors.OUTPUT + 1
    if early is not None:
        early.keep_at(first)
        walls.close_from(first + 1)
        supervisor.supervise(opened.extensions, words, output, early, partial(early.assign, spec, opened.port))
    walls.close_from(first)
    if words >= 0:
        supervisor.supervise(opened.extensions, words, output)  # goes on from here in the runtime's process
        walls.close_from(CHANNEL + 1)
    if spec["boot"]:
        guest.become(spec, opened.port)
    if spec["container"]:
        container.become(spec["container"], opened.port)
    if spec["programs"]:
        supervisor.become_program(spec["programs"], spec["wrapper"], opened.port)
    sys.argv[:] = ["/var/runtime/bootstrap.py"]
    ours = __name__.rpartition(".")[0]
    for name in [name for name in sys.modules if (name + ".").startswith(ours + ".")]:
        del sys.modules[name]  # the function's own modules may have any name
    bootstrap.run(CHANNEL, spec["handler"], spec["initialization_type"], pausing=spec["pausing"])


def _restore(spec: dict[str, Any]) -> NoReturn:
    image, plan = spec["image"]
    os.dup2(image, IMAGE, inheritable=False)
    os.dup2(plan, PLAN, inheritable=False)
    walls.close_from(PLAN + 1)
    fresh = {name: spec["variables"][name] for name in FRESH_VARIABLES if name in spec["variables"]}
    try:
        restore.become(IMAGE, PLAN, {"variables": fresh}, HANDOVER)
    except Exception as error:
        os.write(2, f"The snapshot could not be restored: {type(error).__name__}: {error}\n".encode())
        os._exit(1)
