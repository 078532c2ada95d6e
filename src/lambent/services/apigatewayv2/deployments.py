"""Deployments: CreateDeployment and its kind.

Source: botocore's model `apigatewayv2`; API Gateway Developer Guide, "Stages for HTTP APIs in API Gateway".
"""

from lambent.services.apigatewayv2 import store
from lambent.services.apigatewayv2.api import Resources
from lambent.services.apigatewayv2.deploying import deploy, put_on
from lambent.services.apigatewayv2.errors import BadRequest
from lambent.services.apigatewayv2.model import Deployment, Stage, edited, given, shown
from lambent.services.apigatewayv2.pages import page
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.store.api import Transaction


class Deployments:
    """The resource `deployment`."""

    def __init__(self, resources: Resources) -> None:
        self._all = resources

    @operation("CreateDeployment")
    async def create_deployment(self, context: RequestContext, request: Request) -> Answer:
        """A copy of the API as it is now, which a stage that is named serves from now on."""

        def work(tx: Transaction) -> Deployment:
            api = store.api(tx, context, request["ApiId"])
            made = deploy(tx, api, self._all, auto=False, description=request.get("Description"))
            if request.get("StageName"):
                stage = store.part(tx, api.api_id, Stage, request["StageName"])
                if stage.auto_deploy:
                    raise BadRequest("A stage with AutoDeploy cannot be given a deployment.")
                put_on(tx, api, stage, made.deployment_id, self._all)
            return made

        return shown(await self._all.changes.make(request["ApiId"], work))

    @operation("GetDeployment")
    async def get_deployment(self, context: RequestContext, request: Request) -> Answer:
        """One deployment."""

        def work(tx: Transaction) -> Deployment:
            api = store.api(tx, context, request["ApiId"])
            return store.part(tx, api.api_id, Deployment, request["DeploymentId"])

        return shown(await self._all.read(request["ApiId"], work))

    @operation("GetDeployments")
    async def get_deployments(self, context: RequestContext, request: Request) -> Answer:
        """The deployments, by id."""

        def work(tx: Transaction) -> list[Deployment]:
            return store.parts(tx, store.api(tx, context, request["ApiId"]).api_id, Deployment)

        return page(request, await self._all.read(request["ApiId"], work), lambda each: each.deployment_id, shown)

    @operation("UpdateDeployment")
    async def update_deployment(self, context: RequestContext, request: Request) -> Answer:
        """Another description."""

        def work(tx: Transaction) -> Deployment:
            api = store.api(tx, context, request["ApiId"])
            present = store.part(tx, api.api_id, Deployment, request["DeploymentId"])
            wanted = edited(present, given(request, ("Description",)))
            store.set_part(tx, api.api_id, wanted)
            return wanted

        return shown(await self._all.changes.make(request["ApiId"], work))

    @operation("DeleteDeployment")
    async def delete_deployment(self, context: RequestContext, request: Request) -> None:
        """One that a stage serves stays."""

        def work(tx: Transaction) -> None:
            api = store.api(tx, context, request["ApiId"])
            gone = store.part(tx, api.api_id, Deployment, request["DeploymentId"])
            if any(stage.deployment_id == gone.deployment_id for stage in store.parts(tx, api.api_id, Stage)):
                raise BadRequest("Active stages pointing to this deployment must be moved or deleted")
            store.delete_part(tx, api.api_id, Deployment, gone.deployment_id)

        await self._all.changes.make(request["ApiId"], work)
