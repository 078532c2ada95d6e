"""`lambent serve`: read the settings, refuse what is unsafe, and become the supervisor."""

import gc
import inspect
import ipaddress
import os
from collections.abc import Callable
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from lambent.cli import screen
from lambent.cli.errors import CommandError
from lambent.cli.flags import Flag, complaints, flags, misspelt, nested
from lambent.config import Settings

HELP = """Run the platform in the foreground, until SIGTERM or Ctrl-C.

Everything it keeps lies in one folder (--data). The first start makes the root access key;
`lambent env` prints it for the AWS tools. Every setting below is also an environment variable
(LAMBENT_PORT) and a key of lambent.toml in the working directory (port = 4566); a flag wins over
a variable, a variable over the file.

Examples:

  lambent serve

  lambent serve --data /var/lib/lambent --edges 2 --log-format json

  lambent serve --tls                  (HTTPS beside HTTP, with a certificate of Lambent's own)

  lambent serve --tls-certificate fullchain.pem --tls-key privkey.pem

  lambent serve --dev-credentials      (adds the key test/test, on loopback only)
"""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def settings_from(given: dict[str, Any]) -> Settings:
    """The settings to serve with.

    Raises:
        CommandError: one has an impossible value, two do not go together, or the well-known key would face a network.
    """
    try:
        settings = Settings(**nested(given))
    except ValidationError as error:
        raise CommandError(complaints(error)) from None
    except ValueError as error:  # not TOML, or a list in a variable that is not JSON
        raise CommandError(f"the settings cannot be read: {error}") from None
    if settings.dev_credentials and not is_loopback(settings.host):
        raise CommandError(
            f"--dev-credentials lets anyone in who can reach {settings.host}; "
            "use --host 127.0.0.1, or leave it out and use the key that `lambent env` prints"
        )
    if settings.tls and settings.tls_certificate:
        raise CommandError("--tls makes a certificate and --tls-certificate gives one; use one of the two")
    if settings.tls_key and not settings.tls_certificate:
        raise CommandError("--tls-key is the key of a certificate that is given: name that with --tls-certificate")
    if settings.tls_names and not settings.tls:
        raise CommandError("--tls-names are for the certificate that --tls makes; one that is given has its own names")
    return settings


def _parameter(flag: Flag) -> inspect.Parameter:
    names = [f"{flag.option}/--no-{flag.option[2:]}"] if flag.switch else [flag.option]
    option = typer.Option(
        *names,
        help=f"{flag.description} (default: {flag.default})".strip(),
        metavar=None if flag.switch else flag.metavar,
        show_default=False,
        rich_help_panel="Quotas" if flag.path[0] == "quotas" else "Settings",
    )
    kind: Any = bool if flag.switch else str
    return inspect.Parameter(
        flag.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )


def _with_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` one parameter for each setting of config.py, for Typer to read."""
    parameters = [_parameter(flag) for flag in flags()]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


@_with_flags
def serve(**given: Any) -> None:
    """Start the supervisor with the settings that the flags, the environment and the file give."""
    settings = settings_from(given)
    for name, meant in misspelt(os.environ).items():
        screen.notes().print(f"lambent: {name} is no setting and does nothing; did you mean {meant}?", markup=False)
    from lambent.sandbox.lending import obstacle

    for why in filter(None, (obstacle(each, settings.data) for each in settings.file_systems)):
        raise CommandError(why)
    gc.disable()  # while some two thousand modules come, of which none will ever be garbage
    from lambent.roles.supervisor import run  # brings every room along; no other command needs them

    gc.freeze()
    gc.enable()
    raise typer.Exit(run(settings))
