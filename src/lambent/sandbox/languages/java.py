"""Java: where JDKs are found, how our program is compiled, and how a virtual machine starts.

Our program is compiled on the host, for Java 11, by the javac of whatever JDK is there, and once for each state of its
sources: the first function in Java waits for that, some two seconds. So a JRE serves functions where some JDK is
beside it. The virtual machine's limits are fixed when it starts, and come from the function's memory.

Sources: Lambda Developer Guide, "Customize Java runtime startup behavior" (the serial collector, compilation by the
first compiler only); the `release` file of a JDK for its version; the folders of Debian, Temurin, SDKMAN, asdf
and mise.
"""

import asyncio
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from lambent.sandbox.api import SandboxFailure
from lambent.sandbox.languages.language import WRAPPER, Installation, installed_versions
from lambent.sandbox.wire import Programs

JAR = "lambent.jar"
MODULE = "lambent.runtime"
OLDEST = 11
VERSION = re.compile(r'^JAVA_VERSION="(\d+(?:\.\d+)*)', re.MULTILINE)
MOST_OF_MEMORY = 0.85  # for the heap, as on AWS
LEAST_BESIDE_MB = 64  # what the virtual machine needs beside it, or a full heap would be a killed process
LEAST_HEAP_MB = 48
OPTIONS = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS")
LANG = "en_US.UTF-8"  # of every function that sets no other
ROOM_BYTES, PLACES = 16_384, 2_100
QUICKLY = ("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-proc:none")  # half the time of what javac does unasked


class Java:
    """Implements `Language`."""

    name = "java"
    runtimes: tuple[str, ...] = ("java11", "java17", "java21", "java25", "java11.al2023", "java17.al2023")
    boot_mb = 40  # its own, measured with the sandbox: 23 of Java 17, 35 of Java 25
    links: tuple[tuple[str, str], ...] = ()
    at_start = re.compile(
        rf"JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|_JAVA_OPTIONS|CLASSPATH|LD_.*|LANG|LANGUAGE|LC_.*|TZ|MALLOC_.*|GLIBC_.*|{WRAPPER}"
    )
    # Places in the C library's environment for those of a function (`runtimes/java/.../Variables.java`): more than have
    # room in the 4 KB that AWS allows, and for what the platform sets.
    # The locale is for names of files, and one that every host has.
    at_boot: Mapping[str, str] = {"LC_ALL": "C.UTF-8", "LAMBENT_ROOM": " " * ROOM_BYTES} | {
        f"_{place}": "" for place in range(PLACES)
    }
    keeps_folder = True

    def find(self, variables: Mapping[str, str]) -> dict[str, Installation]:
        """See `Language`. Nothing where there is no compiler."""
        homes = dict.fromkeys(Path(os.path.realpath(each)) for each in _places(variables))
        compiler = next((str(each / "bin/javac") for each in homes if os.access(each / "bin/javac", os.X_OK)), "")
        found: dict[str, Installation] = {}
        for home in homes if compiler else ():
            installation = _installation(home, compiler)
            if installation is not None:
                found.setdefault(installation.runtime, installation)
        ordered = sorted(found.values(), key=lambda each: each.version)
        named = {name: each for each in ordered for name in (each.runtime, f"{each.runtime}.al2023")}
        return {name: each for name, each in named.items() if name in self.runtimes}

    def command(
        self, executable: str, runtime_folder: str, memory_mb: int, variables: Mapping[str, str]
    ) -> tuple[str, ...]:
        """See `Language`."""
        return (
            executable,
            *_defaults(memory_mb, variables),
            *("-XX:-UsePerfData", "--add-modules=ALL-DEFAULT"),
            *(f"--add-opens=java.base/{package}={MODULE}" for package in ("java.io", "java.util")),
            *("-p", f"{runtime_folder}/{JAR}", f"--module={MODULE}/{MODULE}.Bootstrap"),
        )

    def knobs(self, memory_mb: int) -> Mapping[str, str]:
        """See `Language`: none."""
        return {}

    def programs(self, host: tuple[str, ...], task_root: str, handler: str) -> Programs | None:
        """See `Language`: every function is our program's."""
        return None

    async def prepare(self, folder: Path, installation: Installation) -> None:
        """See `Language`. Two that do it at once make the same. Raises SandboxFailure."""
        if (folder / JAR).exists():
            return
        making = Path(
            tempfile.mkdtemp(prefix="making-", dir=folder.parent)
        )  # swept by runtime_folder.forget_unfinished
        try:
            files = sorted(map(str, folder.rglob("*.java")))  # noqa: ASYNC240 - some thirty
            await _compile(installation.compiler, files, making / "classes")
            _pack(making / "classes", making / JAR)
            os.replace(making / JAR, folder / JAR)
        finally:
            shutil.rmtree(making)

    def needs(self, runtime: str) -> str:
        """See `Language`."""
        major = runtime.partition(".")[0].removeprefix(self.name)
        return (
            f"Java {major} and a JDK, which has javac (openjdk-{major}-jdk-headless of your system, or Temurin {major})"
        )


def _defaults(memory_mb: int, variables: Mapping[str, str]) -> Iterator[str]:
    """What a function may say otherwise. A command line counts more than what the variables say, so that what they say
    is left out of ours. Texts are UTF-8 and American as on AWS, whose locale a host may lack, unless the function has
    a locale of its own."""
    said = " ".join(variables.get(name, "") for name in OPTIONS).split()
    for pattern, default in (
        (r"-Xmx.*|-XX:MaxHeapSize=.*|-XX:MaxRAM.*", f"-Xmx{heap_mb(memory_mb)}m"),
        (r"-XX:MaxRAM=.*", f"-XX:MaxRAM={memory_mb}m"),
        (r"-XX:\+Use\w+GC", "-XX:+UseSerialGC"),
        (r"-XX:TieredStopAtLevel=.*|-XX:-TieredCompilation", "-XX:TieredStopAtLevel=1"),
        (r"-Xshare:.*", "-Xshare:auto"),
        (r"-XX:ErrorFile=.*", "-XX:ErrorFile=/tmp/hs_err_pid%p.log"),
        (r"-Dfile\.encoding=.*", "-Dfile.encoding=UTF-8"),
        (r"-Duser\..*", "-Duser.country=US"),
    ):
        own_locale = variables.get("LC_ALL") or variables.get("LANG", LANG) != LANG
        if not (own_locale and default.startswith("-D")) and not any(re.fullmatch(pattern, word) for word in said):
            yield default


def heap_mb(memory_mb: int) -> int:
    """The largest heap of a function. On AWS it is 85 % always; there the machine is larger than the function."""
    return max(LEAST_HEAP_MB, min(int(memory_mb * MOST_OF_MEMORY), memory_mb - LEAST_BESIDE_MB))


def _places(variables: Mapping[str, str]) -> Iterator[Path]:
    home = Path(variables.get("HOME", "/root"))
    if variables.get("JAVA_HOME"):
        yield Path(variables["JAVA_HOME"])
    for parent in (
        Path("/usr/lib/jvm"),
        home / ".sdkman/candidates/java",
        Path(variables.get("ASDF_DATA_DIR", home / ".asdf")) / "installs/java",
        home / ".local/share/mise/installs/java",
        Path("/opt"),
    ):
        yield from installed_versions(parent)
    for folder in variables.get("PATH", "").split(":"):
        if folder and os.access(f"{folder}/java", os.X_OK):
            yield Path(os.path.realpath(f"{folder}/java")).parent.parent


def _installation(home: Path, compiler: str) -> Installation | None:
    """What lies at `home`; None when that is no Java, or too old."""
    executable = home / "bin/java"
    try:
        told = VERSION.search((home / "release").read_text())
    except (OSError, UnicodeDecodeError):
        return None
    if told is None or not os.access(executable, os.X_OK):
        return None
    version = tuple(map(int, told[1].split(".")))
    if version[0] < OLDEST:
        return None
    return Installation(f"java{version[0]}", version, str(executable), str(home), _outside(home), compiler)


def _outside(home: Path) -> tuple[tuple[str, str], ...]:
    """Folders of /etc that its settings are links into, as Debian has it."""
    names = set()
    for link in (home / "lib/jvm.cfg", home / "lib/security/java.security", home / "conf/security/java.security"):
        parts = Path(os.path.realpath(link)).parts
        if parts[1:2] == ("etc",) and len(parts) > 3:
            names.add(f"/etc/{parts[2]}")
    return tuple((name, name) for name in sorted(names))


async def _compile(compiler: str, files: list[str], classes: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(compiler, *QUICKLY, "--release", str(OLDEST), "-encoding", "UTF-8", "-nowarn", "-d", str(classes), *files),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise SandboxFailure(
            f"{compiler} could not compile the runtime of Java: {told.decode(errors='replace')[-2000:]}"
        )


def _pack(classes: Path, jar: Path) -> None:
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_STORED) as archive:  # read faster than what is compressed
        for file in sorted(classes.rglob("*.class")):
            archive.write(file, file.relative_to(classes))
    jar.chmod(0o644)
