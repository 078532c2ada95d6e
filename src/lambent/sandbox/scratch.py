"""The disk behind an environment's own tmp: an ext4 image on a loop device, with room for all that it promises.

Why not tmpfs: its pages count against the function's memory, and on AWS it is a disk; a 128 MB function
may fill its 512 MB. Here the page cache counts too, but the kernel can write it back. Where
loop devices or mkfs are missing, tmpfs stands in, and `doctor` says so. Measured: docs/decisions/0005-sandbox.md.

An image is a sparse copy of a template of its size, unlinked as soon as the loop device holds it,
and the device clears itself at the last unmount, so that nothing is left after any crash.

Setting a device up makes the kernel wait, without any work: 1 to 7 ms each time. So it is done in a thread, while
the agent goes on; in one, because two that look for a free device find the same one.
"""

import asyncio
import errno
import fcntl
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lambent.sandbox.user_namespace import is_host_root

LOOP_CONTROL = Path("/dev/loop-control")
_LOOP_CTL_GET_FREE, _LOOP_CONFIGURE = 0x4C82, 0x4C0A
_AUTOCLEAR, _DIRECT_IO = 4, 16
_BLOCK_BYTES = 4096
_ATTEMPTS = 20
FEATURES = "^has_journal,^resize_inode"  # it lives shorter than any crash that a journal would mend
EXTENDED = "lazy_itable_init=1,nodiscard,root_owner=0:0"
MKFS = ("-q", "-F", "-b", str(_BLOCK_BYTES), "-I", "256", "-m", "0", "-O", FEATURES, "-E", EXTENDED)
# What ext4 keeps of an image for itself: a 256-byte inode for each 16 KB, a fiftieth up to 16 MB that the kernel sets
# aside (its documentation, "reserved_clusters"), and maps. On AWS too somewhat more than 512 MB of 512 can be written.
INODE_PART, ASIDE_PART, MOST_ASIDE_MB, MAPS_MB = 64, 50, 16, 5
# What every /tmp begins as, done once here instead of in each sandbox.
AS_TMP = ("rmdir lost+found", "set_inode_field <2> mode 041777")


def find_mkfs() -> str | None:
    """The program that makes ext4 file systems, if the host has it and its companion `debugfs`."""
    found = shutil.which("mkfs.ext4", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    return found if found is not None and Path(found).with_name("debugfs").exists() else None


def usable() -> bool:
    """Whether this host has loop devices that we may use."""
    return LOOP_CONTROL.exists() and os.access(LOOP_CONTROL, os.R_OK) and is_host_root()


def image_mb(size_mb: int) -> int:
    """How large an image must be for `size_mb` of files."""
    return size_mb + -(-size_mb // INODE_PART) + min(MOST_ASIDE_MB, -(-size_mb // ASIDE_PART)) + MAPS_MB


class ScratchDisks:
    """Makes loop devices with fresh file systems; `folder` holds templates and images for moments."""

    def __init__(self, folder: Path, mkfs: str) -> None:
        self._folder, self._mkfs = folder, mkfs
        self._debugfs = str(Path(mkfs).with_name("debugfs"))  # of the same package
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in folder.iterdir():
            left.unlink()
        self._thread = ThreadPoolExecutor(1, "scratch")

    async def attach(self, size_mb: int) -> tuple[int, int]:
        """A new disk: its loop number, and a descriptor that holds it until it is mounted.

        Raises:
            OSError: no loop device, or no room.
        """
        attaching = asyncio.get_running_loop().run_in_executor(self._thread, self._attach, size_mb)
        try:
            return await asyncio.shield(attaching)
        except asyncio.CancelledError:
            attaching.add_done_callback(_let_go)
            raise

    def close(self) -> None:
        """Make no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _attach(self, size_mb: int) -> tuple[int, int]:
        image = self._copy(self._template(size_mb))
        try:
            return self._configure(image)
        finally:
            os.close(image)

    def _template(self, size_mb: int) -> Path:
        path = self._folder / f"template-{size_mb}"
        if not path.exists():
            making = path.with_suffix(".making")
            with making.open("wb") as file:
                file.truncate(image_mb(size_mb) * 1024 * 1024)
            for command in ([self._mkfs, *MKFS], *([self._debugfs, "-w", "-R", request] for request in AS_TMP)):
                subprocess.run([*command, str(making)], check=True, capture_output=True)  # noqa: S603
            making.rename(path)
        return path

    def _copy(self, template: Path) -> int:
        """An unnamed sparse copy, as an open descriptor."""
        copy = os.open(self._folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        with template.open("rb", buffering=0) as source:
            descriptor, end = source.fileno(), os.fstat(source.fileno()).st_size
            os.ftruncate(copy, end)
            at = 0
            while (extent := _next_extent(descriptor, at)) is not None:
                start, at = extent
                os.pwrite(copy, os.pread(descriptor, at - start, start), start)
        return copy

    def _configure(self, image: int) -> tuple[int, int]:
        with LOOP_CONTROL.open("rb") as control:
            for _ in range(_ATTEMPTS):
                number = fcntl.ioctl(control, _LOOP_CTL_GET_FREE)
                device = os.open(f"/dev/loop{number}", os.O_RDWR | os.O_CLOEXEC)
                try:
                    fcntl.ioctl(device, _LOOP_CONFIGURE, _loop_config(image))
                except OSError as error:
                    os.close(device)
                    if error.errno != errno.EBUSY:  # another took it between the two calls
                        raise
                else:
                    return number, device
        raise OSError(errno.EBUSY, "no free loop device")


def _let_go(attaching: asyncio.Future[tuple[int, int]]) -> None:
    """Nobody waits for this disk any more."""
    if not attaching.cancelled() and attaching.exception() is None:
        os.close(attaching.result()[1])


def _next_extent(descriptor: int, at: int) -> tuple[int, int] | None:
    try:
        start = os.lseek(descriptor, at, os.SEEK_DATA)
    except OSError:  # ENXIO: only a hole is left
        return None
    return start, os.lseek(descriptor, start, os.SEEK_HOLE)


def _loop_config(image: int) -> bytes:
    """struct loop_config with its loop_info64, all zero but for what we set."""
    config = bytearray(304)
    config[0:4] = image.to_bytes(4, sys.byteorder)
    config[4:8] = _BLOCK_BYTES.to_bytes(4, sys.byteorder)
    config[8 + 52 : 8 + 56] = (_AUTOCLEAR | _DIRECT_IO).to_bytes(4, sys.byteorder)
    return bytes(config)
