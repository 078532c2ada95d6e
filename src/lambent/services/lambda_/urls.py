"""Function URLs: CreateFunctionUrlConfig and family, and who may use a URL.

A URL belongs to a function or to an alias, never to a version, and lives as long as that. Its
address is made of its id, its Region and the address that the caller of the operation used, so that
it leads back to the same door: `http://ID.lambda-url.REGION.localhost:PORT/`.

Source: Lambda service model; behaviours section 19; Lambda Developer Guide, "Creating and managing
Lambda function URLs" and "Control access to Lambda function URLs".
"""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec

from lambent.clock import iso_millis
from lambent.model.cors import Cors
from lambent.model.function import FunctionKey
from lambent.model.function_name import LATEST, function_arn
from lambent.model.function_url import FunctionUrl, UrlAccess, url_host
from lambent.model.messages import UrlQuery
from lambent.services.addresses import address_below
from lambent.services.lambda_ import store, url_store
from lambent.services.lambda_.api import Caller
from lambent.services.lambda_.errors import NO_RESOURCE, Conflict, InvalidParameter, NotFound
from lambent.services.lambda_.names import find_version, function_named, named
from lambent.services.lambda_.pages import Place, marker_of, page_size, place_of
from lambent.services.lambda_.permissions import Permissions
from lambent.services.lambda_.resources import Resources
from lambent.services.lambda_.statements import URL_ACTION
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction

ID_LENGTH = 32
METHODS = ("GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*")
CORS_MEMBERS = {
    "AllowCredentials": "allow_credentials",
    "AllowHeaders": "allow_headers",
    "AllowMethods": "allow_methods",
    "AllowOrigins": "allow_origins",
    "ExposeHeaders": "expose_headers",
    "MaxAge": "max_age_s",
}


class Urls:
    """The resource `function URL`."""

    def __init__(self, resources: Resources, permissions: Permissions, *, invoke_permission: bool) -> None:
        self._all, self._permissions = resources, permissions
        self._invoke_permission = invoke_permission

    @operation("CreateFunctionUrlConfig")
    async def create_function_url_config(self, context: RequestContext, request: Request) -> Answer:
        key, qualifier = _place(context, request)
        now_ms = self._all.clock.now_ms()
        url = FunctionUrl(
            self._all.ids.letters(ID_LENGTH).lower(),
            key,
            qualifier,
            request["AuthType"],
            request.get("InvokeMode", "BUFFERED"),
            _cors(request.get("Cors", {})),
            now_ms,
            now_ms,
        )

        def work(tx: Transaction) -> None:
            _check_function(tx, key, qualifier)
            if url_store.find(tx, key, qualifier) is not None:
                raise Conflict(
                    f"Failed to create function url config for [functionArn = {function_arn(key, qualifier)}]. "
                    "Error message:  FunctionUrlConfig exists for this Lambda function"
                )
            url_store.put(tx, url)

        await self._all.changes.make(key, work)
        answer = _wire(url, context)
        del answer["LastModifiedTime"]
        return answer

    @operation("UpdateFunctionUrlConfig")
    async def update_function_url_config(self, context: RequestContext, request: Request) -> Answer:
        """What is not sent stays; CORS is replaced as a whole."""
        key, qualifier = _place(context, request)
        changes: dict[str, Any] = {"modified_ms": self._all.clock.now_ms()}
        for member, field in (("AuthType", "auth_type"), ("InvokeMode", "invoke_mode")):
            if member in request:
                changes[field] = request[member]
        if "Cors" in request:
            changes["cors"] = _cors(request["Cors"])

        def work(tx: Transaction) -> FunctionUrl:
            _check_function(tx, key, qualifier)
            url = msgspec.structs.replace(_found(tx, key, qualifier), **changes)
            url_store.put(tx, url)
            return url

        return _wire(await self._all.changes.make(key, work), context)

    @operation("GetFunctionUrlConfig")
    async def get_function_url_config(self, context: RequestContext, request: Request) -> Answer:
        key, qualifier = _place(context, request)
        url = await self._all.database.read(partial(_found, key=key, qualifier=qualifier))
        await self._all.changes.seen(key)
        return _wire(url, context)

    @operation("DeleteFunctionUrlConfig")
    async def delete_function_url_config(self, context: RequestContext, request: Request) -> None:
        key, qualifier = _place(context, request)

        def work(tx: Transaction) -> None:
            _found(tx, key, qualifier)
            url_store.delete(tx, key, qualifier)

        await self._all.changes.make(key, work)

    @operation("ListFunctionUrlConfigs")
    async def list_function_url_configs(self, context: RequestContext, request: Request) -> Answer:
        key, place, count = function_named(context, request), place_of(request), page_size(request)
        above = place.name if place.number >= 0 else None

        def work(tx: Transaction) -> list[FunctionUrl]:
            store.function(tx, key)  # raises NotFound
            return url_store.after(tx, key, above, count + 1)

        found = await self._all.database.read(work)
        await self._all.changes.seen(key)
        page = found[:count]
        answer: Answer = {"FunctionUrlConfigs": [_wire(url, context) for url in page]}
        if len(found) > count:
            answer["NextMarker"] = marker_of(Place(page[-1].qualifier, 0))
        return answer

    async def access(self, query: UrlQuery) -> UrlAccess | None:
        """The URL, and whether who asks may use it; None when there is no such URL.

        A URL without authentication is judged by what its policy allows to everyone. With AWS_IAM, the
        policy decides about other accounts, and about its own where it denies.
        """
        url = await self._all.database.read(lambda tx: url_store.find_by_id(tx, query.url_id))
        if url is None:
            return None
        return UrlAccess(url, await self._allowed(url, query))

    async def _allowed(self, url: FunctionUrl, query: UrlQuery) -> bool:
        if url.auth_type == "AWS_IAM" and query.principal is None:
            return False
        arn = "*" if url.auth_type == "NONE" or query.principal is None else query.principal.arn
        role_arn = "" if arn == "*" or query.principal is None else query.principal.role_arn
        callers = [Caller(arn, action=URL_ACTION, url_auth_type=url.auth_type, via_url=True, role_arn=role_arn)]
        if self._invoke_permission:
            callers.append(Caller(arn, url_auth_type=url.auth_type, via_url=True, role_arn=role_arn))
        decide = self._permissions.allows if arn == "*" else self._permissions.admits
        return all([await decide(url.key, url.qualifier, caller) for caller in callers])


def _place(context: RequestContext, request: Request) -> tuple[FunctionKey, str]:
    key, qualifier = named(context, request)
    if qualifier.isdecimal():
        raise InvalidParameter("A function URL belongs to a function or to an alias, not to a version.")
    return key, "" if qualifier == LATEST else qualifier


def _check_function(tx: Transaction, key: FunctionKey, qualifier: str) -> None:
    """Raises NotFound, in the words that these operations have for it (recorded)."""
    try:
        find_version(tx, key, qualifier)
    except NotFound:
        raise NotFound("Function does not exist") from None


def _found(tx: Transaction, key: FunctionKey, qualifier: str) -> FunctionUrl:
    url = url_store.find(tx, key, qualifier)
    if url is None:
        raise NotFound(NO_RESOURCE)
    return url


def _cors(wanted: Mapping[str, Any]) -> Cors | None:
    """What a caller wants, checked; None for an empty one. Raises InvalidParameter."""
    for method in wanted.get("AllowMethods", ()):
        if method not in METHODS:
            raise InvalidParameter(f"AllowMethods has {method!r}; it takes {', '.join(METHODS)}.")
    for origin in wanted.get("AllowOrigins", ()):
        if origin != "*" and not _is_origin(origin):
            raise InvalidParameter(f"AllowOrigins has {origin!r}; it takes * and origins such as https://example.com.")
    fields: dict[str, Any] = {
        CORS_MEMBERS[member]: tuple(value) if isinstance(value, list) else value for member, value in wanted.items()
    }
    return Cors(**fields) if fields else None


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc) and text == f"{parts.scheme}://{parts.netloc}" and text.isprintable()


def _wire(url: FunctionUrl, context: RequestContext) -> Answer:
    """The FunctionUrlConfig object."""
    answer: Answer = {
        "FunctionUrl": address_of(url, context.endpoint),
        "FunctionArn": function_arn(url.key, url.qualifier),
        "AuthType": url.auth_type,
        "CreationTime": _time(url.created_ms),
        "LastModifiedTime": _time(url.modified_ms),
        "InvokeMode": url.invoke_mode,
    }
    if url.cors is not None:
        given: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(url.cors))
        answer["Cors"] = {member: given[field] for member, field in CORS_MEMBERS.items() if field in given}
    return answer


def _time(epoch_ms: int) -> str:
    return iso_millis(epoch_ms).replace("+0000", "Z")


def address_of(url: FunctionUrl, endpoint: str) -> str:
    """Where the URL is reached by somebody who reaches us at `endpoint`."""
    return address_below(url_host(url.url_id, url.key.region), endpoint) + "/"
