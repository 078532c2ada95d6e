"""What edges serve: an API with its stages, each with what was deployed to it."""

from lambent.model.rest_api import Canary, Part, RestApi, RestStage
from lambent.services.apigateway import store
from lambent.services.apigateway.shelf import Shelf
from lambent.services.apigateway.stage_rules import effective
from lambent.services.apigateway.store import SQL
from lambent.store.api import Transaction


class Serving:
    """What the data path asks of the service."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def api(self, api_id: str) -> RestApi | None:
        """The API of that id; None where there is none."""
        return await self._shelf.database.read(lambda tx: _api(tx, api_id))

    async def stages(self, account: str, region: str) -> dict[str, frozenset[str]]:
        """The stages of all APIs of an account in a Region, by the APIs' ids; an API may have none."""

        def work(tx: Transaction) -> dict[str, frozenset[str]]:
            found: dict[str, set[str]] = {}
            for row in tx.all(SQL.all_stages, account=account, region=region):
                names = found.setdefault(row["api_id"], set())
                if row["name"] is not None:
                    names.add(row["name"])
            return {api_id: frozenset(names) for api_id, names in found.items()}

        return await self._shelf.database.read(work)


def _api(tx: Transaction, api_id: str) -> RestApi | None:
    owner = tx.one(SQL.owner, api_id=api_id)
    if owner is None:
        return None
    stages = {each["stageName"]: _stage(tx, api_id, each) for each in store.stages(tx, api_id)}
    return RestApi(api_id, owner["account"], owner["region"], stages)


def _stage(tx: Transaction, api_id: str, stage: Part) -> RestStage:
    _, document = store.deployment(tx, api_id, stage["deploymentId"])
    log = stage.get("accessLogSettings", {})
    variables = stage.get("variables", {})
    return RestStage(
        stage["stageName"],
        stage["deploymentId"],
        document,
        variables,
        effective(stage["methodSettings"]),
        _canary(tx, api_id, stage, variables),
        (log["destinationArn"], log["format"]) if log.get("destinationArn") else None,
        stage.get("flushed_ms", 0),
    )


def _canary(tx: Transaction, api_id: str, stage: Part, variables: dict[str, str]) -> Canary | None:
    settings = stage.get("canarySettings")
    if settings is None:
        return None
    _, document = store.deployment(tx, api_id, settings["deploymentId"])
    own = variables | (settings.get("stageVariableOverrides") or {})
    return Canary(settings["deploymentId"], settings["percentTraffic"], document, own)
