"""`lambent image`: the container images that the operator brings in, kept below the data folder.

The one client that works on the data folder itself, because an image is larger than any request: what it adds
is whole or absent for a server that runs on the same folder (see `images/shelf.py`).
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lambent.cli import screen
from lambent.cli.access import DEFAULT_DATA
from lambent.cli.errors import CommandError
from lambent.cli.options import Data

if TYPE_CHECKING:  # a command that is only asked for help pays for none of it
    from collections.abc import Callable

    from lambent.images.api import Image, Limits, Source
    from lambent.images.reference import Reference

HELP = """Bring container images in, list and remove them.

`import` reads an OCI layout or what `docker save` wrote, a folder or a tar; functions name it as ImageUri
localhost/NAME:TAG. `pull` fetches an image from a registry, for functions that name it so: to have it there before
it is needed, or for a server that may not reach the registry. `remove` takes the name away; its layers go when no
function uses them.

Examples:

  docker save my-function:1 -o my-function.tar; lambent image import my-function.tar --name my-function:1

  lambent image pull registry.example.com/team/app:7

  lambent image list

  lambent image remove localhost/my-function:1
"""
LOCAL = "localhost/"
Action = Literal["import", "pull", "list", "remove"]


def image(
    action: Annotated[Action, typer.Argument(help="What to do.")],
    what: Annotated[str, typer.Argument(help="A path to import, or the name of an image.")] = "",
    name: Annotated[str, typer.Option(metavar="NAME:TAG", help="What to call an imported image.")] = "",
    from_name: Annotated[str, typer.Option("--from", help="Which image of several in the file.")] = "",
    plain_http: Annotated[bool, typer.Option(help="The registry speaks HTTP without TLS.")] = False,
    data: Data = None,
) -> None:
    """Do it, with progress for people."""
    if bool(what) == (action == "list"):
        raise CommandError(f"say what: lambent image {action} ..." if not what else "`list` shows all images")
    folder = data or Path(os.environ.get("LAMBENT_DATA") or DEFAULT_DATA)
    if folder.is_dir() and folder.stat().st_uid != os.geteuid():
        raise CommandError(f"{folder} belongs to another user; run this as the one who runs the server")
    if action == "list":
        _list(folder)
    elif action == "remove":
        _remove(folder, what)
    elif action == "import":
        _import(folder, Path(what), name, from_name)
    else:
        _pull(folder, what, plain_http)


def _import(folder: Path, path: Path, name: str, wanted: str) -> None:
    from lambent.images import archive, reference, sources

    files = archive.Files(path)
    try:
        source = archive.Archive(files, wanted)
        given = name or source.name.rpartition("/")[2]  # in the file: with the registry that it was meant for
        if not given:
            raise CommandError("the image has no name in there; give it one with --name NAME:TAG")
        called = reference.parse(LOCAL + given.removeprefix(LOCAL))
        _keep(folder, called, source, lambda limits: sources.resolve(source, source.top, _architecture(), limits))
    finally:
        files.close()


def _pull(folder: Path, what: str, plain_http: bool) -> None:
    from lambent.config import Settings
    from lambent.images import reference, sources
    from lambent.images.registry import PLAIN, Registry, RegistrySettings

    called, settings = reference.parse(what), Settings(data=folder)
    if called.local:
        raise CommandError(f"{what} is not of a registry; import it from a file")
    # Whoever has the data folder may fill it from where they like.
    allowed = (PLAIN + called.host if plain_http else called.host,)
    source = Registry(called, RegistrySettings(allowed, settings.image_registry_ca, settings.image_registry_login))
    _keep(folder, called, source, lambda limits: sources.resolve(source, called.wanted, _architecture(), limits))


def _keep(folder: Path, called: "Reference", source: "Source", resolve: "Callable[[Limits], Image]") -> None:
    from rich import progress

    from lambent.config import Settings
    from lambent.ids import SystemIds
    from lambent.images.api import ImageError, Limits, Progress
    from lambent.images.pull import fetch
    from lambent.images.shelf import Shelf

    quotas = Settings(data=folder).quotas
    limits = Limits(quotas.image_bytes, quotas.image_entries, quotas.image_layers)
    shelf = Shelf(folder.resolve() / "images", SystemIds())
    columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), progress.DownloadColumn())
    notes = screen.notes()
    shown = progress.Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal)
    with shown as bar, shelf.adding():
        task = bar.add_task(called.tagged, total=None)

        def tell(how_far: Progress) -> None:
            bar.update(task, completed=how_far.done_bytes, total=how_far.total_bytes)

        try:
            found = resolve(limits)
            fetch(found, source, shelf, limits, tell)
        except ImageError as error:
            raise CommandError(f"{called.tagged}: {error.message}") from error
        shelf.name(called.tagged, found.digest)
    screen.results().print(f"{called.tagged}  sha256:{found.digest}")


def _list(folder: Path) -> None:
    from lambent.ids import SystemIds
    from lambent.images.shelf import Shelf

    names = Shelf(folder.resolve() / "images", SystemIds()).names()
    for called, digest in names.items():
        screen.results().print(f"{called}  sha256:{digest}")


def _remove(folder: Path, what: str) -> None:
    from lambent.ids import SystemIds
    from lambent.images import reference
    from lambent.images.shelf import Shelf

    called = reference.parse(what if "/" in what else LOCAL + what).tagged
    if not Shelf(folder.resolve() / "images", SystemIds()).forget_name(called):
        raise CommandError(f"there is no image called {called}; `lambent image list` shows all")


def _architecture() -> str:
    return {"aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
