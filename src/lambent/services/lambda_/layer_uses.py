"""The layers of a function: from the ARNs of a request to packages that this function keeps.

What is found is written into the function's configuration, package included, so deleting a layer
version later changes no function. Source: behaviours section 6 for the words; Lambda Developer
Guide, "Layers and resource policies" (a layer of another account has to allow lambda:GetLayerVersion).
"""

from lambent.config import Quotas
from lambent.errors import AccessDenied
from lambent.services.lambda_ import layer_store
from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.layer_model import LayerVersion, layer_version_of
from lambent.services.lambda_.model import LayerUse
from lambent.services.lambda_.policy import Asked, allows
from lambent.services.operation import RequestContext
from lambent.services.request_keys import principal_keys
from lambent.store.api import Transaction

GET_LAYER_VERSION = "lambda:GetLayerVersion"


def uses(tx: Transaction, arns: list[str], context: RequestContext, quotas: Quotas) -> tuple[LayerUse, ...]:
    """The layers behind `arns`, in order. Raises InvalidParameter, AccessDenied."""
    if len(arns) > quotas.layers:
        raise InvalidParameter(f"Cannot reference more than {quotas.layers} layers.")
    found: dict[str, str] = {}
    for arn in arns:
        layer = layer_version_of(arn)[0].arn()
        if layer in found:
            raise InvalidParameter(
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                f"{found[layer]} and {arn} are versions of the same layer."
            )
        found[layer] = arn
    return tuple(_use(tx, arn, context) for arn in arns)


def may_use(version: LayerVersion, context: RequestContext) -> bool:
    """Whether the caller may read a layer version of another account."""
    known = principal_keys(context.principal)
    return allows(version.policy, Asked(context.principal.arn, GET_LAYER_VERSION, version.arn, known))


def _use(tx: Transaction, arn: str, context: RequestContext) -> LayerUse:
    key, number = layer_version_of(arn)
    if key.region != context.region:
        raise InvalidParameter(
            f"Layers are not in the same region as the function. Layers are expected to be in region {context.region}."
        )
    version = layer_store.find(tx, key, number)
    if key.account != context.account and (version is None or not may_use(version, context)):
        raise AccessDenied(
            f"User: {context.principal.arn} is not authorized to perform: {GET_LAYER_VERSION} on resource: {arn} "
            f"because no resource-based policy allows the {GET_LAYER_VERSION} action"
        )
    if version is None:
        raise InvalidParameter(f"Layer version {arn} does not exist.")
    return LayerUse(version.arn, version.code, version.code_bytes)
