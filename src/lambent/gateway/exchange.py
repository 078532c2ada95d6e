"""One request on its way through the stages, and what each stage has learnt about it."""

from collections.abc import Awaitable, Callable

from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.principal import Principal


class Exchange:
    """Filled from stage to stage; `principal`, `service` and `region` stand after authentication."""

    __slots__ = ("principal", "region", "request", "request_id", "service", "source_ip")

    def __init__(self, request: HttpRequest, request_id: str, source_ip: str) -> None:
        self.request, self.request_id, self.source_ip = request, request_id, source_ip
        self.principal: Principal | None = None
        self.service = ""
        self.region = ""

    @property
    def endpoint(self) -> str:
        """The address that the caller used, for links in answers."""
        scheme = self.request.header("x-forwarded-proto", "http")
        return f"{scheme}://{self.request.header('host', 'localhost')}"


Stage = Callable[[Exchange], Awaitable[HttpResponse | None]]
