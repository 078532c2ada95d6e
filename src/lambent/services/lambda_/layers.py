"""Layers: PublishLayerVersion, GetLayerVersion(ByArn), ListLayers, ListLayerVersions, DeleteLayerVersion.

Source: Lambda service model; Lambda Developer Guide, "Working with Lambda layers"; behaviours sections 6 and 12.
"""

from functools import partial

from lambent.clock import iso_millis
from lambent.errors import AccessDenied, ValidationError
from lambent.services.lambda_ import layer_store, wire
from lambent.services.lambda_.download import Downloads
from lambent.services.lambda_.environment_variables import is_unicode
from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.layer_model import (
    LayerKey,
    LayerVersion,
    layer_named,
    layer_not_found,
    layer_version_of,
)
from lambent.services.lambda_.layer_uses import may_use
from lambent.services.lambda_.model import CodeSize
from lambent.services.lambda_.pages import Place, marker_of, page_size, place_of
from lambent.services.lambda_.resources import Resources
from lambent.services.lambda_.runtimes import RETIRED, SUPPORTED
from lambent.services.lambda_.unsupported import check_code
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction


class Layers:
    """The resource `layer version`."""

    def __init__(self, resources: Resources, downloads: Downloads) -> None:
        self._all, self._downloads = resources, downloads

    @operation("PublishLayerVersion")
    async def publish_layer_version(self, context: RequestContext, request: Request) -> Answer:
        key = own_layer(context, request)
        content = request["Content"]
        check_code(content)
        _check_runtimes(request.get("CompatibleRuntimes") or [])
        if not is_unicode(request.get("Description", "") + request.get("LicenseInfo", "")):
            raise InvalidParameter("Description and LicenseInfo may not hold half characters.")
        package = await self._all.package(context, content)
        if not package:
            raise InvalidParameter("Please provide a source for the layer's content.")
        async with self._all.code.kept(package) as size:
            version = await self._all.database.write(lambda tx: self._add(tx, key, size, request))
        return self._whole(context, version)

    @operation("GetLayerVersion")
    async def get_layer_version(self, context: RequestContext, request: Request) -> Answer:
        key = layer_named(request["LayerName"], context.account, context.region)
        return await self._get(context, key, numbered(request))

    @operation("GetLayerVersionByArn")
    async def get_layer_version_by_arn(self, context: RequestContext, request: Request) -> Answer:
        key, number = layer_version_of(request["Arn"])
        if key.region != context.region:
            raise layer_not_found()
        return await self._get(context, key, number)

    @operation("ListLayers")
    async def list_layers(self, context: RequestContext, request: Request) -> Answer:
        """Each layer with the newest version that suits; by name."""
        place, count = place_of(request), page_size(request)
        after = LayerKey(context.account, context.region, place.name)
        suited = _suited(request)
        found = await self._all.database.read(lambda tx: layer_store.newest_after(tx, after, count + 1, suited))
        page = found[:count]
        answer: Answer = {
            "Layers": [
                {"LayerName": each.key.name, "LayerArn": each.key.arn(), "LatestMatchingVersion": _listed(each)}
                for each in page
            ]
        }
        if len(found) > count:
            answer["NextMarker"] = marker_of(Place(page[-1].key.name))
        return answer

    @operation("ListLayerVersions")
    async def list_layer_versions(self, context: RequestContext, request: Request) -> Answer:
        """The newest first; a layer that is not there has none."""
        key = own_layer(context, request)
        place, count = place_of(request), page_size(request)
        below = place.number if place.number >= 0 else layer_store.NEWEST
        work = partial(layer_store.before, key=key, number=below, count=count + 1, suited=_suited(request))
        found = await self._all.database.read(work)
        page = found[:count]
        answer: Answer = {"LayerVersions": [_listed(each) for each in page]}
        if len(found) > count:
            answer["NextMarker"] = marker_of(Place(key.name, page[-1].number))
        return answer

    @operation("DeleteLayerVersion")
    async def delete_layer_version(self, context: RequestContext, request: Request) -> None:
        """Functions that use it go on with it; one that is not there is gone already."""
        key, number = own_layer(context, request), numbered(request)
        await self._all.database.write(lambda tx: layer_store.delete(tx, key, number))

    def _add(self, tx: Transaction, key: LayerKey, size: CodeSize, request: Request) -> LayerVersion:
        self._all.check_storage(tx, key.account, key.region, size.zipped_bytes)
        version = LayerVersion(
            key=key,
            number=layer_store.take_number(tx, key),
            code=size.digest,
            code_bytes=size.zipped_bytes,
            created_ms=self._all.clock.now_ms(),
            description=request.get("Description", ""),
            license=request.get("LicenseInfo", ""),
            runtimes=tuple(request.get("CompatibleRuntimes") or ()),
            architectures=tuple(request.get("CompatibleArchitectures") or ()),
        )
        layer_store.put(tx, version)
        return version

    async def _get(self, context: RequestContext, key: LayerKey, number: int) -> Answer:
        version = await self._all.database.read(lambda tx: layer_store.find(tx, key, number))
        if key.account != context.account and (version is None or not may_use(version, context)):
            raise AccessDenied(
                f"User: {context.principal.arn} is not authorized to perform: lambda:GetLayerVersion on resource: "
                f"{key.arn(number)} because no resource-based policy allows the lambda:GetLayerVersion action"
            )
        if version is None:
            raise layer_not_found()
        return self._whole(context, version)

    def _whole(self, context: RequestContext, version: LayerVersion) -> Answer:
        content = {
            "Location": self._downloads.link(context.endpoint, version.key, version.code),
            "CodeSha256": wire.code_sha256(version.code),
            "CodeSize": version.code_bytes,
        }
        return {"Content": content, "LayerArn": version.key.arn(), **_listed(version)}


def own_layer(context: RequestContext, request: Request) -> LayerKey:
    """The layer of LayerName, where only one's own will do. Raises AccessDenied, and as `layer_named`."""
    key = layer_named(request["LayerName"], context.account, context.region)
    if key.account != context.account:
        raise AccessDenied(
            f"Account {context.account} is not authorized to perform this action on resource: {key.arn()}", Type="User"
        )
    return key


def numbered(request: Request) -> int:
    """The VersionNumber of a request. Raises InvalidParameter."""
    number = int(request["VersionNumber"])
    if number < 1:
        raise InvalidParameter("Layer Version Cannot be less than 1.")
    if number >= layer_store.NEWEST:
        raise layer_not_found()
    return number


def _listed(version: LayerVersion) -> Answer:
    answer: Answer = {
        "LayerVersionArn": version.arn,
        "Version": version.number,
        "Description": version.description,
        "CreatedDate": iso_millis(version.created_ms),
    }
    if version.license:
        answer["LicenseInfo"] = version.license
    if version.runtimes:
        answer["CompatibleRuntimes"] = list(version.runtimes)
    if version.architectures:
        answer["CompatibleArchitectures"] = list(version.architectures)
    return answer


def _suited(request: Request) -> dict[str, str]:
    runtime = request.get("CompatibleRuntime")
    _check_runtimes([runtime] if runtime else [])
    return layer_store.suited_for(runtime, request.get("CompatibleArchitecture"))


def _check_runtimes(runtimes: list[str]) -> None:
    unknown = [runtime for runtime in runtimes if runtime not in SUPPORTED and runtime not in RETIRED]
    if unknown:
        raise ValidationError(
            f"1 validation error detected: Value '[{', '.join(runtimes)}]' at 'compatibleRuntimes' failed to satisfy "
            "constraint: Member must satisfy constraint: [Member must satisfy enum value set: "
            f"[{', '.join(SUPPORTED)}]]"
        )
