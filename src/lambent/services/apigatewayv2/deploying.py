"""Deployments and what sets them off: a copy of the API's routes and what they need, which stages then serve.

A stage with AutoDeploy gets a new deployment with each change of the API. One that no stage uses any more goes when
the next takes its place, so that an API that changes often does not grow.

Source: API Gateway Developer Guide, "Stages for HTTP APIs"; the messages are as the service gives them. That old
automatic deployments go is our own choice.
"""

import msgspec

from lambent.services.apigatewayv2 import store
from lambent.services.apigatewayv2.api import Resources
from lambent.services.apigatewayv2.errors import BadRequest
from lambent.services.apigatewayv2.model import (
    Api,
    Authorizer,
    Deployed,
    Deployment,
    Integration,
    IntegrationResponse,
    Route,
    RouteResponse,
    Stage,
)
from lambent.store.api import Transaction

NO_ROUTES = "At least one route is required before deploying the Api."
ID_LENGTH = 6


def deploy(
    tx: Transaction, api: Api, resources: Resources, *, auto: bool, description: str | None = None
) -> Deployment:
    """A new deployment of the API as it is now. Raises BadRequest."""
    if not store.parts(tx, api.api_id, Route):
        raise BadRequest(NO_ROUTES)
    made = Deployment(
        deployment_id=resources.ids.letters(ID_LENGTH).lower(),
        created_date=resources.clock.now_ms(),
        content=content_of(tx, api),
        auto_deployed=auto,
        description=description,
    )
    store.set_part(tx, api.api_id, made)
    return made


def content_of(tx: Transaction, api: Api) -> Deployed:
    """What a deployment made now would have."""
    return Deployed(
        tuple(store.parts(tx, api.api_id, Route)),
        tuple(store.parts(tx, api.api_id, Integration)),
        tuple(store.parts(tx, api.api_id, Authorizer)),
        api.cors_configuration,
        tuple(store.parts(tx, api.api_id, RouteResponse)),
        tuple(store.parts(tx, api.api_id, IntegrationResponse)),
    )


def changed(tx: Transaction, api: Api, resources: Resources) -> None:
    """The API was changed: stages that deploy by themselves do."""
    following = [stage for stage in store.parts(tx, api.api_id, Stage) if stage.auto_deploy]
    if not following:
        return
    try:
        made = deploy(
            tx,
            api,
            resources,
            auto=True,
            description="Automatic deployment triggered by changes to the Api configuration",
        )
    except BadRequest as error:
        for stage in following:
            failed = msgspec.structs.replace(
                stage, last_deployment_status_message=f"Deployment attempt failed: {error.message}"
            )
            store.set_part(tx, api.api_id, failed)
        return
    for stage in following:
        put_on(tx, api, stage, made.deployment_id, resources)
    _sweep(tx, api.api_id)


def put_on(tx: Transaction, api: Api, stage: Stage, deployment_id: str, resources: Resources) -> Stage:
    """Have the stage serve this deployment. Raises NotFound."""
    store.part(tx, api.api_id, Deployment, deployment_id)
    now = msgspec.structs.replace(
        stage,
        deployment_id=deployment_id,
        last_updated_date=resources.clock.now_ms(),
        last_deployment_status_message=f"Successfully deployed stage with deployment ID '{deployment_id}'",
    )
    store.set_part(tx, api.api_id, now)
    return now


def _sweep(tx: Transaction, api_id: str) -> None:
    """Delete automatic deployments that no stage serves."""
    used = {stage.deployment_id for stage in store.parts(tx, api_id, Stage)}
    for deployment in store.parts(tx, api_id, Deployment):
        if deployment.auto_deployed and deployment.deployment_id not in used:
            store.delete_part(tx, api_id, Deployment, deployment.deployment_id)
