"""How a command reaches its server: where it is, and with which key.

Knows the two files that a server keeps for its own machine: DATA/root-key.json (made at the
first start, mode 0600) and DATA/run/endpoint.json (written once requests are served). Refuses
to go on without an endpoint, so that nothing meant for Lambent is ever sent to AWS.
"""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from lambent.cli.errors import CommandError
from lambent.store.folder_lock import is_held

if TYPE_CHECKING:
    import boto3

STATUS_PATH = "/_lambent/status"
DEFAULT_DATA = Path("data")


class Access(Struct, frozen=True):
    """An endpoint, and the key to sign requests with."""

    endpoint: str
    region: str
    access_key_id: str
    secret: str
    session_token: str = ""
    ca_bundle: str = ""  # the authority to trust, where it is the server's own

    def variables(self) -> dict[str, str]:
        """The environment variables that every AWS tool reads."""
        variables = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": self.region,  # boto3 and `aws` read this one,
            "AWS_REGION": self.region,  # the SDKs for JavaScript, Go, Java and Rust the other
        }
        more = {"AWS_SESSION_TOKEN": self.session_token, "AWS_CA_BUNDLE": self.ca_bundle}
        return variables | {name: value for name, value in more.items() if value}


def find_access(data: Path | None, environ: Mapping[str, str]) -> Access:
    """The server that a command means.

    A folder that was named wins; then AWS_ENDPOINT_URL with its key; then the folder in
    LAMBENT_DATA; then `data` in the working directory.

    Raises:
        CommandError: there is no server to be found.
    """
    named = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    if data is None and all(environ.get(name) for name in named):
        endpoint, key, secret = (environ[name] for name in named)
        _check_address(endpoint)
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        token, authority = environ.get("AWS_SESSION_TOKEN", ""), environ.get("AWS_CA_BUNDLE", "")
        return Access(endpoint, region, key, secret, token, authority)
    return read_access(data or Path(environ.get("LAMBENT_DATA") or DEFAULT_DATA))


def read_access(data: Path) -> Access:
    """What the server that lives in `data` wrote down.

    Raises:
        CommandError: it is not running (what a killed one wrote down leads nowhere), or its files cannot be read.
    """
    if not _is_running(data):
        raise CommandError(
            f"no server is running on {data}; start one with: lambent serve --data {data}  "
            "(or name the folder of one that runs: --data DIR)"
        )
    endpoint = _read(data / "run" / "endpoint.json", data)
    key = _read(data / "root-key.json", data)
    try:
        return Access(
            endpoint["endpoint"],
            endpoint["region"],
            key["AccessKeyId"],
            key["SecretAccessKey"],
            ca_bundle=endpoint.get("ca_bundle", ""),
        )
    except KeyError as missing:
        raise CommandError(f"the files in {data} lack {missing}; stop the server and start it again") from None


def _check_address(endpoint: str) -> None:
    with contextlib.suppress(ValueError):
        url = urlsplit(endpoint)
        if url.scheme in ("http", "https") and url.hostname and url.port != 0:
            return
    raise CommandError(f"AWS_ENDPOINT_URL is no address: {endpoint!r}; one is http://127.0.0.1:4566")


def _is_running(data: Path) -> bool:
    try:
        return is_held(data)
    except PermissionError:
        raise _kept_from(data) from None


def _kept_from(path: Path) -> CommandError:
    return CommandError(f"{path} cannot be read; use the account that runs the server, or sudo")


def _read(path: Path, data: Path) -> dict[str, str]:
    try:
        content: dict[str, str] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CommandError(f"the server on {data} is not ready yet, or about to end; try again in a moment") from None
    except PermissionError:
        raise _kept_from(path) from None
    except ValueError:
        raise CommandError(f"{path} is damaged; stop the server and start it again") from None
    return content


def session(access: Access) -> "boto3.Session":
    """A boto3 session that signs with this key."""
    import boto3  # half a second; only commands that talk to a server pay it

    return boto3.Session(
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret,
        aws_session_token=access.session_token or None,
        region_name=access.region,
    )


def client(access: Access, service: str) -> Any:
    """A boto3 client of `service` at this endpoint."""
    from botocore.config import Config  # lazy for the same reason

    # A synchronous invocation may take 15 minutes, and one that failed must not silently run again.
    config = Config(read_timeout=910, retries={"total_max_attempts": 1})
    return session(access).client(service, endpoint_url=access.endpoint, config=config, verify=access.ca_bundle or None)


def read_status(access: Access) -> dict[str, Any]:
    """What the server says about itself. Raises CommandError."""
    return ask(access, "GET", STATUS_PATH)


def ask(access: Access, method: str, path: str) -> dict[str, Any]:
    """The answer of one of the server's own pages.

    Raises:
        CommandError: it refused, or answered something else.
    """
    from botocore.auth import SigV4Auth  # lazy for the same reason
    from botocore.awsrequest import AWSRequest
    from botocore.httpsession import URLLib3Session

    request = AWSRequest(method, access.endpoint + path)
    SigV4Auth(session(access).get_credentials(), "lambda", access.region).add_auth(request)
    answer = URLLib3Session(verify=access.ca_bundle or True, timeout=30).send(request.prepare())
    if answer.status_code != 200:
        raise CommandError(f"{access.endpoint} answered {answer.status_code}: {_words(answer.text)}")
    try:
        said: dict[str, Any] = json.loads(answer.content)
    except ValueError:
        raise CommandError(f"{access.endpoint} is not a Lambent server") from None
    return said


def _words(text: str) -> str:
    """The message of an error, out of its JSON if it is that."""
    with contextlib.suppress(ValueError):
        said = json.loads(text)
        if isinstance(said, dict):
            text = str(said.get("message") or said.get("Message") or text)
    return text[:300]
