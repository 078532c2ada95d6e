"""Ruby: where it is found, and how a process starts.

Sources: the folders are those of rbenv, RVM, chruby, asdf and mise as their guides name them. A Ruby looks for its
library where it was built for, unless it was built to be moved, so the sandbox has it there as well as at /var/lang.
Gems that are installed into it are there for every function, as the AWS SDK is in AWS's; Debian's has them in
/var/lib/gems.
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lambent.sandbox.languages.language import PROBE_TIMEOUT_S, WRAPPER, Installation, executables, installed_versions
from lambent.sandbox.wire import Programs

PROBE = """require 'json'; require 'rbconfig'
c = RbConfig::CONFIG
print JSON.generate([RUBY_ENGINE, RUBY_VERSION, RbConfig.ruby, c['prefix'], Gem.default_dir])"""
OLDEST = (3, 1)
NAMES = ("ruby", "ruby3.1", "ruby3.2", "ruby3.3", "ruby3.4", "ruby4.0")


class Ruby:
    """Implements `Language`."""

    name = "ruby"
    runtimes: tuple[str, ...] = ("ruby3.2", "ruby3.3", "ruby3.4", "ruby4.0")
    # Its own, measured of Ruby 3.1: 12 with the sandbox; little is shared, as collecting garbage writes to Ruby's heap.
    boot_mb = 16
    at_boot: Mapping[str, str] = {}
    keeps_folder = False
    links: tuple[tuple[str, str], ...] = ()
    # RUBYLIB and GEM_PATH are taken by a process that waits (`runtimes/ruby/bootstrap.rb`).
    at_start = re.compile(rf"RUBY(?!LIB$|GEMS_).*|LD_.*|LANG|LANGUAGE|LC_.*|MALLOC_.*|GLIBC_.*|{WRAPPER}")

    def find(self, variables: Mapping[str, str]) -> dict[str, Installation]:
        """See `Language`."""
        found: dict[str, Installation] = {}
        for candidate in executables(_places(variables), NAMES):
            installation = _probe(candidate)
            if installation is not None:
                found.setdefault(installation.runtime, installation)
        return dict(sorted(found.items(), key=lambda item: item[1].version))

    def command(
        self, executable: str, runtime_folder: str, memory_mb: int, variables: Mapping[str, str]
    ) -> tuple[str, ...]:
        """See `Language`."""
        return (executable, f"{runtime_folder}/bootstrap.rb")

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
        version = runtime.removeprefix(self.name)
        return f"Ruby {version} (with your system's packages, or rbenv install {version})"


def _places(variables: Mapping[str, str]) -> list[Path]:
    home = Path(variables.get("HOME", "/root"))
    managers = (
        Path(variables.get("RBENV_ROOT", home / ".rbenv")) / "versions",
        home / ".rvm/rubies",
        home / ".rubies",
        Path("/opt/rubies"),
        Path(variables.get("ASDF_DATA_DIR", home / ".asdf")) / "installs/ruby",
        home / ".local/share/mise/installs/ruby",
    )
    places = [folder / "bin" for parent in managers for folder in installed_versions(parent)]
    places += [Path("/usr/local/bin"), Path("/usr/bin"), *(each / "bin" for each in installed_versions(Path("/opt")))]
    on_path = [Path(folder) for folder in variables.get("PATH", "").split(":") if folder]
    return list(dict.fromkeys([*places, *(folder for folder in on_path if folder.name != "shims")]))


def _probe(executable: Path) -> Installation | None:
    """What `executable` says it is; None when it does not run, is too old, is another engine, or lies in no `bin`."""
    try:
        answer = subprocess.run(  # noqa: S603
            [executable, "-e", PROBE], capture_output=True, timeout=PROBE_TIMEOUT_S, check=True, text=True, env={}
        )
        engine, version, path, prefix, gems = json.loads(answer.stdout)
        numbers = tuple(map(int, version.split(".")))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    path, prefix = os.path.realpath(path), os.path.realpath(prefix)
    if engine != "ruby" or numbers < OLDEST or path != f"{prefix}/bin/{Path(path).name}":
        return None
    if prefix.startswith("/usr/local/"):  # that is a place for itself or for nothing: sandboxes show it empty
        return None
    return Installation(f"ruby{numbers[0]}.{numbers[1]}", numbers, path, prefix, tuple(_binds(prefix, gems)))


def _binds(prefix: str, gems: str) -> list[tuple[str, str]]:
    """The folders that a sandbox has at their own places: what is below /usr is there, but for /usr/local."""

    def there(folder: str) -> bool:
        return Path(folder).is_relative_to("/usr") and not Path(folder).is_relative_to("/usr/local")

    binds = [] if there(prefix) else [(prefix, prefix)]
    if not there(gems) and not Path(gems).is_relative_to(prefix) and os.path.isdir(gems):
        binds.append((gems, gems))
    return binds
