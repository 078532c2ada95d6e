""".NET: where it is found, and how a process starts.

Sources: the folders are those of Microsoft's install script, of its packages and of distributions' own. One `dotnet`
serves all versions beside it, so an installation is a version of Microsoft.NETCore.App, which its command line names.
The garbage collector cannot see a sandbox's memory limit (there is no /sys), so it is told: four fifths of the
function's memory, as AWS's library has it. Double-mapped code pages need memfd_create, which functions may not use.

A handler without a colon is a program of the package: an executable assembly, or else a native binary, both of which
speak the Runtime API themselves. Source: the open bootstrap of AWS's .NET runtimes for Amazon Linux 2023, whose order,
words and exit status these are.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from lambent.sandbox.languages.language import WRAPPER, Installation, installed_versions
from lambent.sandbox.wire import Program, Programs

FRAMEWORK = "shared/Microsoft.NETCore.App"
OLDEST = (3, 1)
RELEASE = re.compile(r"\d+\.\d+\.\d+")
NOT_FOUND = 104


class DotNet:
    """Implements `Language`."""

    name = "dotnet"
    runtimes: tuple[str, ...] = ("dotnet8", "dotnet10")
    boot_mb = 12  # its own, measured of .NET 8: 10 with the sandbox; some 28 that it shares with others are there once
    at_boot: Mapping[str, str] = {}
    keeps_folder = False
    links: tuple[tuple[str, str], ...] = ()
    at_start = re.compile(rf"(DOTNET|COMPlus|CORECLR)_.*|LD_.*|LANG|LANGUAGE|LC_.*|MALLOC_.*|GLIBC_.*|{WRAPPER}")

    def find(self, variables: Mapping[str, str]) -> dict[str, Installation]:
        """See `Language`."""
        found: dict[str, Installation] = {}
        for root in dict.fromkeys(map(os.path.realpath, _roots(variables))):
            for each in _installations(root):
                found.setdefault(each.runtime, each)
        return dict(sorted(found.items(), key=lambda item: item[1].version))

    def command(
        self, executable: str, runtime_folder: str, memory_mb: int, variables: Mapping[str, str]
    ) -> tuple[str, ...]:
        """See `Language`."""
        program = f"{runtime_folder}/Lambent.Runtime"
        return (executable, "--runtimeconfig", f"{program}.runtimeconfig.json", f"{program}.dll")

    def knobs(self, memory_mb: int) -> Mapping[str, str]:
        """See `Language`."""
        heap_bytes = memory_mb * 1024 * 1024 * 4 // 5
        told = {"GCHeapHardLimit": f"{heap_bytes:x}", "EnableWriteXorExecute": "0", "EnableDiagnostics": "0"}
        # The older prefix is the only one that 3.1 reads.
        return {f"{prefix}_{name}": value for name, value in told.items() for prefix in ("DOTNET", "COMPlus")}

    def programs(self, host: tuple[str, ...], task_root: str, handler: str) -> Programs | None:
        """See `Language`."""
        if ":" in handler:
            return None
        binary = f"{task_root}/{handler}"
        assembly = f"{binary.removesuffix('.dll')}.dll"
        choices = Program(assembly, (*host, assembly)), Program(binary, (binary,))
        missing = f"Error: executable assembly {assembly} or binary {binary} not found."
        return Programs(choices, {"DOTNET_ROOT": os.path.dirname(host[0])}, missing, NOT_FOUND)

    async def prepare(self, folder: Path, installation: Installation) -> None:
        """See `Language`. Its program is built where Lambent is (`requirements/dotnet.sh`)."""

    def needs(self, runtime: str) -> str:
        """See `Language`."""
        version = runtime.removeprefix(self.name)
        return f"the .NET {version} runtime (package dotnet-runtime-{version}.0, or DOTNET_ROOT of where it is)"


def _roots(variables: Mapping[str, str]) -> Iterator[str]:
    if variables.get("DOTNET_ROOT"):
        yield variables["DOTNET_ROOT"]
    yield from ("/usr/share/dotnet", "/usr/lib/dotnet", "/usr/lib64/dotnet", "/opt/dotnet")
    yield str(Path(variables.get("HOME", "/root")) / ".dotnet")


def _installations(root: str) -> Iterator[Installation]:
    """The releases below `root`, newest first."""
    executable = f"{root}/dotnet"
    if not os.access(executable, os.X_OK):
        return
    for folder in installed_versions(Path(root, FRAMEWORK)):
        if not RELEASE.fullmatch(folder.name) or not (folder / "libcoreclr.so").is_file():
            continue
        numbers = tuple(map(int, folder.name.split(".")))
        if numbers >= OLDEST:
            arguments = ("exec", "--fx-version", folder.name)
            yield Installation(f"dotnet{numbers[0]}", numbers, executable, root, arguments=arguments)
