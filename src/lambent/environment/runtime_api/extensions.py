"""The extensions of one environment: who has registered, who is at work, and the events that each hears.

External ones (programs below /opt/extensions, known by name before they register) and internal ones (code in the
runtime's own process). An extension is at work from an INVOKE that it asked to hear of until its next `next`. Pure but
for the functions that waiting requests are answered with.

Source: Lambda Developer Guide, "Using the Lambda Extensions API"; the error types,
aws-lambda-runtime-interface-emulator (internal/lambda/rapi/handler); behaviours section 14.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from lambent.environment.runtime_api.answers import ACCEPTED, ApiError, Respond, json_answer
from lambent.ids import Ids
from lambent.model.environment import ApiFacts
from lambent.model.http import HttpRequest, HttpResponse

MOST = 10
NAME, IDENTIFIER, FEATURES = "lambda-extension-name", "lambda-extension-identifier", "lambda-extension-accept-feature"
ERROR_TYPE = "lambda-extension-function-error-type"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LONGEST_NAME = 128

EventType = Literal["INVOKE", "SHUTDOWN"]


class Registration(Struct):
    """The body of register. aws-lambda-go writes null for no events."""

    events: list[str] | None = None


class Extension:
    """One that has registered."""

    def __init__(self, name: str, identifier: str, events: tuple[str, ...], *, external: bool) -> None:
        self.name, self.identifier, self.events, self.external = name, identifier, events, external
        self.idle = False  # it has asked for its next event and has had none since
        self.asked = False  # at least once
        self._poll: Respond | None = None
        self._undelivered: HttpResponse | None = None

    def send(self, event: dict[str, Any]) -> None:
        """Tell it, now or when it asks."""
        self.idle = False
        poll, self._poll = self._poll, None
        answer = json_answer(event)
        if poll is None or poll(answer) is False:
            self._undelivered = answer

    def next(self, respond: Respond) -> None:
        """It asks."""
        self.asked = True
        if self._undelivered is not None:
            answer, self._undelivered = self._undelivered, None
            if respond(answer) is False:
                self._undelivered = answer
            return
        earlier, self._poll = self._poll, respond
        if earlier is not None:
            earlier(_refused("InvalidExtensionState", "The extension asks again.").response())
        self.idle = True


class Extensions:
    """All of one environment's. `on_change` is called when one became idle or registered, `on_failure` when one says
    that it has failed: with an error type and words."""

    def __init__(
        self, facts: ApiFacts, ids: Ids, on_change: Callable[[], None], on_failure: Callable[[str, str], None]
    ) -> None:
        self._facts, self._ids, self._on_change, self._on_failure = facts, ids, on_change, on_failure
        self._all: dict[str, Extension] = {}
        self._shutdown: dict[str, Any] | None = None
        self.open = True  # for registrations: until the init phase is over

    def __iter__(self) -> Iterator[Extension]:
        return iter(self._all.values())

    @property
    def all_registered(self) -> bool:
        """Whether every external one has registered."""
        return {each.name for each in self._all.values() if each.external} == set(self._facts.extensions)

    @property
    def all_idle(self) -> bool:
        """Whether every one that there is waits for its next event."""
        if not self._all and not self._facts.extensions:
            return True
        return self.all_registered and all(each.idle for each in self._all.values())

    @property
    def patience_s(self) -> float:
        """How long the shutdown phase may take: 2 s with external ones, 0.5 s with internal ones."""
        if self._facts.extensions:
            return 2.0
        return 0.5 if self._all else 0.0

    def invoke(self, event: dict[str, Any]) -> None:
        """An invocation begins."""
        for each in self._all.values():
            if "INVOKE" in each.events:
                each.send(event)

    def shut_down(self, reason: str, deadline_ms: int) -> None:
        """The environment ends; said once."""
        if self._shutdown is None:
            self._shutdown = {"eventType": "SHUTDOWN", "shutdownReason": reason, "deadlineMs": deadline_ms}
            for each in self._all.values():
                if "SHUTDOWN" in each.events:
                    each.send(self._shutdown)

    # what extensions ask

    def register(self, request: HttpRequest) -> HttpResponse:
        """POST register."""
        name = request.header(NAME)
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise _refused("InvalidExtensionName", "Empty extension name" if not name else "Invalid extension name")
        if not self.open:
            raise ApiError(403, "Extension.RegistrationClosed", "Extension registration closed already")
        external, events = name in self._facts.extensions, _events_of(request)
        self._check(name, events, external=external)
        extension = Extension(name, self._ids.uuid(), events, external=external)
        self._all[extension.identifier] = extension
        self._on_change()
        key = self._facts.function
        told = {"functionName": key.name, "functionVersion": self._facts.version, "handler": self._facts.handler}
        if "accountId" in [feature.strip() for feature in request.header(FEATURES).split(",")]:
            told["accountId"] = key.account
        return json_answer(told, [("Lambda-Extension-Identifier", extension.identifier)])

    def _check(self, name: str, events: tuple[str, ...], *, external: bool) -> None:
        if any(event not in ("INVOKE", "SHUTDOWN") for event in events):
            raise _refused("InvalidEventType", f"Invalid event type: {', '.join(events)}")
        if "SHUTDOWN" in events and not external:
            raise _refused("InvalidEventType", "Shutdown event is not supported for internal extensions")
        if any(each.name == name for each in self._all.values()):
            raise _refused("InvalidExtensionState", f"The extension {name!r} has registered already")
        if len(self._all) >= MOST:
            raise _refused("TooManyExtensions", f"At most {MOST} extensions can register")

    def next(self, request: HttpRequest, respond: Respond) -> None:
        """GET event/next."""
        extension = self.of(request)
        extension.next(respond)
        if extension.idle:
            self._on_change()

    def failed(self, request: HttpRequest, error_type: str) -> HttpResponse:
        """POST init/error or exit/error."""
        extension = self.of(request)
        told = request.header(ERROR_TYPE)
        if not told:
            raise ApiError(403, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
        if error_type == "Extension.InitError" and extension.asked:
            raise _refused("InvalidExtensionState", "The extension's init phase is over")
        self._on_failure(error_type, f"{extension.name}: {told[:LONGEST_NAME]}")
        return ACCEPTED

    def of(self, request: HttpRequest) -> Extension:
        """Who asks. Raises ApiError."""
        identifier = request.header(IDENTIFIER)
        if not identifier:
            raise _refused("MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
        if not UUID.fullmatch(identifier):
            raise _refused("InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier")
        if identifier not in self._all:
            raise _refused("UnknownExtensionIdentifier", "Unknown Lambda-Extension-Identifier")
        return self._all[identifier]


def _events_of(request: HttpRequest) -> tuple[str, ...]:
    if not request.body:
        return ()
    try:
        return tuple(dict.fromkeys(msgspec.json.decode(request.body, type=Registration).events or ()))
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "InvalidRequestFormat", f"The body is not a registration: {error}") from None


def _refused(kind: str, message: str) -> ApiError:
    return ApiError(403, f"Extension.{kind}", message)
