"""What a person is told when a command cannot go on: one line, and what to do about it."""

import sys
from urllib.parse import urlsplit

from lambent.errors import LambentError


class CommandError(LambentError):
    """A command that cannot go on. The message says what is wrong and what to type next."""


def explain(error: Exception) -> str | None:
    """The line for an error that is expected to happen; None for one that is a bug of ours."""
    if isinstance(error, LambentError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    # Only a command that used the AWS client can have raised its errors, and then it is imported.
    if "botocore.exceptions" in sys.modules:
        return _explain_client_error(error)
    return None


def _explain_client_error(error: Exception) -> str | None:
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        details = error.response["Error"]
        return f"{details.get('Code', 'Error')}: {details.get('Message', '')}"
    if isinstance(error, exceptions.EndpointConnectionError):
        url = urlsplit(error.kwargs["endpoint_url"])
        return f"nothing answers at {url.scheme}://{url.netloc}; start a server with: lambent serve"
    if isinstance(error, exceptions.WaiterError):
        state = error.last_response if isinstance(error.last_response, dict) else {}
        state = state.get("Configuration", state)
        reason = state.get("LastUpdateStatusReason") or state.get("StateReason") or error
        return f"the function did not become ready: {reason}"
    if isinstance(error, exceptions.BotoCoreError | exceptions.HTTPClientError):
        return str(error)
    return None
