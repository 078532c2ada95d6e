"""Chat rooms over WebSockets: a DynamoDB table of who is connected, and messages to everybody in a room.

    lambent deploy examples/chat_rooms --timeout 20
    examples/chat_rooms/deploy.sh

The script makes the table and the WebSocket API in front of the function, and prints its address. A client says

    {"action": "join", "room": "lobby", "name": "Ada"}      then      {"action": "say", "text": "hello"}

and hears what the others in the room say. A client that is found to be gone is taken out of the table, for $disconnect
is told with best effort only.
"""

import json
import os
from functools import cache
from typing import Any

import boto3
from boto3.dynamodb.conditions import Attr

TABLE = os.environ.get("ROOMS_TABLE", "chat-rooms")


@cache
def table() -> Any:
    """Who is connected: id (of the connection), room, name."""
    return boto3.resource("dynamodb").Table(TABLE)


@cache
def clients(api_id: str, stage: str) -> Any:
    """The way to the clients of this API. On AWS itself the address is https://DOMAIN/STAGE."""
    endpoint = f"{os.environ['AWS_ENDPOINT_URL']}/_aws/execute-api/{api_id}/{stage}"
    return boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handles every route."""
    about = event["requestContext"]
    route, connection_id = about["routeKey"], about["connectionId"]
    if route == "$disconnect":
        table().delete_item(Key={"id": connection_id})
    elif route in ("join", "say"):
        message = json.loads(event["body"])
        (join if route == "join" else say)(connection_id, message, clients(about["apiId"], about["stage"]))
    return {"statusCode": 200}


def join(connection_id: str, message: dict[str, Any], way: Any) -> None:
    """Enter a room, and tell those who are there."""
    member = {"id": connection_id, "room": str(message["room"]), "name": str(message["name"])}
    table().put_item(Item=member)
    tell(member["room"], {"joined": member["name"]}, way)


def say(connection_id: str, message: dict[str, Any], way: Any) -> None:
    """Tell the room; who is in none is told nothing."""
    member = table().get_item(Key={"id": connection_id}, ConsistentRead=True).get("Item")
    if member is not None:
        tell(member["room"], {"from": member["name"], "text": str(message["text"])}, way)


def tell(room: str, what: dict[str, Any], way: Any) -> None:
    """Post to everybody in the room."""
    data = json.dumps(what).encode()
    for member in table().scan(FilterExpression=Attr("room").eq(room), ConsistentRead=True)["Items"]:
        try:
            way.post_to_connection(ConnectionId=member["id"], Data=data)
        except way.exceptions.GoneException:
            table().delete_item(Key={"id": member["id"]})
