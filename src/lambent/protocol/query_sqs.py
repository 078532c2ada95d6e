"""SQS in the query protocol, which its present model has forgotten.

botocore's model of SQS describes json alone, and yet AWS goes on answering the query protocol (the model's
`awsQueryCompatible`), which SDKs of before November 2023 speak, and `aws` up to 2.13. The older model is the newer one
with other names on the wire; this makes it anew, for the operations of today.

Source: the `xmlName` and `xmlFlattened` traits of AWS's Smithy model of SQS, and SQS API reference, "Making query
API requests": elements of lists are called by what they are (`AttributeName.1`, `SendMessageBatchRequestEntry.1.Id`),
maps by one thing of theirs (`Attribute.1.Name`, `Tag.1.Key`). A request may be sent to the queue's own URL, and then
need not name it.
"""

import copy
from typing import Any

NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/"
ELEMENTS = {
    "AWSAccountIdList": "AWSAccountId",
    "ActionNameList": "ActionName",
    "AttributeNameList": "AttributeName",
    "BinaryList": "BinaryListValue",
    "MessageAttributeNameList": "MessageAttributeName",
    "MessageSystemAttributeList": "MessageSystemAttributeName",
    "QueueUrlList": "QueueUrl",
    "StringList": "StringListValue",
    "TagKeyList": "TagKey",
}
MAPS = {
    "MessageBodyAttributeMap": "MessageAttribute",
    "MessageBodySystemAttributeMap": "MessageSystemAttribute",
    "MessageSystemAttributeMap": "Attribute",
    "QueueAttributeMap": "Attribute",
    "TagMap": "Tag",
}


def query_description(description: dict[str, Any]) -> dict[str, Any]:
    """The description of the query protocol, from that of json."""
    made: dict[str, Any] = copy.deepcopy(description)
    made["metadata"] |= {"protocol": "query", "protocols": ["query"], "xmlNamespace": NAMESPACE}
    for operation in made["operations"].values():
        if "output" in operation:
            operation["output"]["resultWrapper"] = operation["output"]["shape"]
    for name, shape in made["shapes"].items():
        if shape["type"] == "list":
            member = shape["member"]
            member["locationName"] = ELEMENTS.get(name, member["shape"])
        elif shape["type"] == "map":
            key, value = ("Key", "Value") if name == "TagMap" else ("Name", "Value")
            shape["key"]["locationName"], shape["value"]["locationName"] = key, value
        elif shape["type"] == "structure":
            for member in shape["members"].values():
                if member["shape"] in MAPS:
                    member["locationName"] = MAPS[member["shape"]]
    return made


def with_queue_of_path(parameters: dict[str, Any], path: str) -> dict[str, Any]:
    """The parameters of a request that was sent to a queue's own URL."""
    if "QueueUrl" in parameters or path.strip("/") == "":
        return parameters
    return {"QueueUrl": path, **parameters}
