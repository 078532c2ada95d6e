"""Who may use a function by this service's operations, which its resource policy has a say in.

Callers of another account may do to a function what its policy allows them, as far as the operation can be shared at
all; its own account's callers may do everything that the policy does not deny. The account's root keeps the operations
on policies, so that no policy shuts everybody out. Invoke and its kin are judged in the edge (`gateway/admission.py`).

Source: Lambda Developer Guide, "Granting Lambda function access to other accounts" (most operations on an existing
function can be shared; the list); IAM User Guide, "Policy evaluation logic". What root keeps is S3's rule for buckets.
"""

from collections.abc import Mapping
from functools import partial

import msgspec

from lambent.errors import kept_out
from lambent.model.function_name import function_arn, one_qualifier, owner_named, parse_function_name
from lambent.services.lambda_.api import Caller
from lambent.services.lambda_.permissions import Permissions
from lambent.services.operation import Answer, Operation, Request, RequestContext

SHARED = frozenset(
    {
        *("CreateAlias", "DeleteAlias", "GetAlias", "ListAliases", "UpdateAlias"),
        *("DeleteFunction", "GetFunction", "GetFunctionConfiguration", "UpdateFunctionCode"),
        *("ListVersionsByFunction", "PublishVersion", "GetPolicy"),
        *("DeleteFunctionConcurrency", "GetFunctionConcurrency", "PutFunctionConcurrency"),
        *("DeleteFunctionEventInvokeConfig", "GetFunctionEventInvokeConfig", "ListFunctionEventInvokeConfigs"),
        *("PutFunctionEventInvokeConfig", "UpdateFunctionEventInvokeConfig"),
        *("DeleteProvisionedConcurrencyConfig", "GetProvisionedConcurrencyConfig"),
        *("ListProvisionedConcurrencyConfigs", "PutProvisionedConcurrencyConfig"),
        *("ListTags", "TagResource", "UntagResource"),
    }
)
ROOTS = frozenset(
    {
        *("AddPermission", "RemovePermission", "GetPolicy"),
        *("PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy"),
    }
)
OF_NO_FUNCTION = frozenset(
    {"CreateFunction", "CreateEventSourceMapping", "ListEventSourceMappings", "UpdateEventSourceMapping"}
)  # a function is made, or one is named that the resource leads to


def guarded(operations: Mapping[str, Operation], permissions: Permissions) -> dict[str, Operation]:
    """`operations`, each of which asks the policy of the function that its request names."""
    return {
        name: operation if name in OF_NO_FUNCTION else partial(_judged, name, operation, permissions)
        for name, operation in operations.items()
    }


async def _judged(
    name: str, operation: Operation, permissions: Permissions, context: RequestContext, request: Request
) -> Answer | None:
    text = _function_of(request)
    if not text:
        return await operation(context, request)
    owner = owner_named(text, context.account) if name in SHARED else context.account
    own = owner == context.account
    key, derived = parse_function_name(text, owner, context.region)
    kept = own and name in ROOTS and context.principal.arn == f"arn:aws:iam::{owner}:root"
    if not kept:
        qualifier = one_qualifier(derived, request.get("Qualifier", ""))
        action = f"lambda:{name}"
        caller = Caller(context.principal.arn, action=action, role_arn=context.principal.role_arn)
        decide = permissions.denies if own else permissions.allows
        if await decide(key, qualifier, caller) is own:
            raise kept_out(context.principal.arn, action, function_arn(key, qualifier), own=own)
    return await operation(msgspec.structs.replace(context, account=owner), request)


def _function_of(request: Request) -> str:
    """The name or ARN of the function that the request is about; "" where it is about something else."""
    if "FunctionName" in request:
        return str(request["FunctionName"])
    resource = str(request.get("Resource") or request.get("ResourceArn") or "")
    return resource if ":function:" in resource else ""
