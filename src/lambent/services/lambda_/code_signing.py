"""That no function has code signing: GetFunctionCodeSigningConfig, which Terraform asks of every function it reads.

Code signing is refused by name wherever it is asked for (`unsupported.py`), and its other operations are not there.
Source: Lambda service model; that images have no such configuration at all, and the words: reports of the real service.
"""

from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.model import IMAGE
from lambent.services.lambda_.names import function_named
from lambent.services.lambda_.resources import Resources
from lambent.services.operation import Answer, Request, RequestContext, operation


class CodeSigning:
    """Of functions."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("GetFunctionCodeSigningConfig")
    async def get_function_code_signing_config(self, context: RequestContext, request: Request) -> Answer:
        key = function_named(context, request)
        if (await self._all.latest(key)).configuration.package_type == IMAGE:
            raise InvalidParameter("Code signing is not supported for functions created with container images.")
        return {"CodeSigningConfigArn": "", "FunctionName": key.name}
