"""Node.js: where it is found, and how a process starts.

Sources: the folders are those of nvm, fnm, asdf and mise as their guides name them. The heap's limits are fixed when V8
starts (checked with Node.js 20: `v8.setFlagsFromString` changes nothing later), so they come from the function's
memory: nine tenths for what lives long and a twentieth for what is young, as AWS's own start script has it. What AWS
switches off is in the Lambda Developer Guide, "Building Lambda functions with Node.js": `require` of ES modules, and
from Node.js 22 on the guess that a file without a type is one; NODE_OPTIONS switches each on again.
"""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lambent.sandbox.languages.language import PROBE_TIMEOUT_S, WRAPPER, Installation, executables, installed_versions
from lambent.sandbox.wire import Programs

SWITCHED_OFF_SINCE = {"experimental-require-module": 20, "experimental-detect-module": 22}
PROBE = (
    "console.log(JSON.stringify([process.versions.node, process.execPath, process.argv.slice(1).filter("
    "(name) => process.allowedNodeEnvironmentFlags.has('--no-' + name))]))"
)
OLDEST_MAJOR = 20


class NodeJs:
    """Implements `Language`."""

    name = "nodejs"
    runtimes: tuple[str, ...] = ("nodejs20.x", "nodejs22.x", "nodejs24.x", "nodejs26.x")
    boot_mb = 16  # its own, measured: 10 with the sandbox; what it shares with other Node.js processes is there once
    at_boot: Mapping[str, str] = {}
    keeps_folder = False
    # NODE_PATH is for `require` only. `import` looks beside and above the file: there are the modules of layers and of
    # the runtime. AWS has patched its Node.js to the same end.
    links: tuple[tuple[str, str], ...] = (
        ("/var/node_modules", "/opt/nodejs/node_modules"),
        ("/node_modules", "/var/runtime/node_modules"),
    )
    at_start = re.compile(
        rf"NODE_(?!PATH$|ENV$).*|LD_.*|LANG|LANGUAGE|LC_.*|SSL_CERT_.*|OPENSSL_.*|UV_.*|MALLOC_.*|GLIBC_.*|{WRAPPER}"
    )

    def find(self, variables: Mapping[str, str]) -> dict[str, Installation]:
        """See `Language`."""
        found: dict[str, Installation] = {}
        for candidate in executables(_places(variables), ("node", "nodejs")):
            installation = _probe(candidate)
            if installation is not None:
                found.setdefault(installation.runtime, installation)
        return dict(sorted(found.items(), key=lambda item: item[1].version))

    def command(
        self, executable: str, runtime_folder: str, memory_mb: int, variables: Mapping[str, str]
    ) -> tuple[str, ...]:
        """See `Language`."""
        old_mb, young_mb = max(1, memory_mb * 9 // 10), max(1, memory_mb // 20)
        limits = (f"--max-semi-space-size={young_mb}", f"--max-old-space-size={old_mb}")
        wanted = {f"--{name}" for name in SWITCHED_OFF_SINCE}.intersection(variables.get("NODE_OPTIONS", "").split())
        return (executable, *sorted(wanted), *limits, f"{runtime_folder}/bootstrap.js")  # the later of two words counts

    def knobs(self, memory_mb: int) -> Mapping[str, str]:
        """See `Language`: none."""
        return {}

    def programs(self, host: tuple[str, ...], task_root: str, handler: str) -> Programs | None:
        """See `Language`: every function is our program's."""
        return None

    async def prepare(self, folder: Path, installation: Installation) -> None:
        """See `Language`: nothing is compiled."""

    def needs(self, runtime: str) -> str:
        """See `Language`."""
        major = runtime.removeprefix(self.name).removesuffix(".x")
        return f"Node.js {major} (with your system's packages, or nvm install {major})"


def _places(variables: Mapping[str, str]) -> list[Path]:
    home = Path(variables.get("HOME", "/root"))
    managers = (
        Path(variables.get("NVM_DIR", home / ".nvm")) / "versions/node",
        home / ".local/share/fnm/node-versions",
        Path(variables.get("ASDF_DATA_DIR", home / ".asdf")) / "installs/nodejs",
        home / ".local/share/mise/installs/node",
    )
    managed = [folder for parent in managers for folder in installed_versions(parent)]
    places = [each for folder in managed for each in (folder / "bin", folder / "installation/bin")]
    places += [Path("/usr/local/bin"), Path("/usr/bin"), *(each / "bin" for each in installed_versions(Path("/opt")))]
    on_path = [Path(folder) for folder in variables.get("PATH", "").split(":") if folder]
    return list(dict.fromkeys([*places, *(folder for folder in on_path if folder.name != "shims")]))


def _probe(executable: Path) -> Installation | None:
    """What `executable` says it is; None when it does not run, is too old, or lies in no `bin` folder."""
    try:
        answer = subprocess.run(  # noqa: S603
            [executable, "-e", PROBE, *SWITCHED_OFF_SINCE],
            capture_output=True, timeout=PROBE_TIMEOUT_S, check=True, text=True, env={},
        )  # fmt: skip
        version, path, known = json.loads(answer.stdout)
        numbers = tuple(map(int, version.split("-")[0].split(".")))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if numbers[0] < OLDEST_MAJOR or Path(path).parent.name != "bin":
        return None
    off = tuple(f"--no-{name}" for name, since in SWITCHED_OFF_SINCE.items() if numbers[0] >= since and name in known)
    return Installation(f"nodejs{numbers[0]}.x", numbers, path, str(Path(path).parent.parent), arguments=off)
