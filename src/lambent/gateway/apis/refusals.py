"""What stands between a request and its integration says no by raising Refused."""

from lambent.gateway.apis.http_call import failure
from lambent.model.http import HttpResponse


class Refused(Exception):
    """The answer is this one. `error` is for the access log, of an authorizer that failed."""

    def __init__(self, status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers

    @property
    def response(self) -> HttpResponse:
        """The answer."""
        answer = failure(self.status, self.message)
        answer.headers.extend(self.headers)
        return answer


def unauthorized(headers: tuple[tuple[str, str], ...] = ()) -> Refused:
    """Who asks has not shown who it is."""
    return Refused(401, "Unauthorized", headers)


def forbidden(headers: tuple[tuple[str, str], ...] = ()) -> Refused:
    """Who asks may not."""
    return Refused(403, "Forbidden", headers)
