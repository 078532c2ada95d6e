"""SQS in the query protocol. Sources: SQS API reference, "Making query API requests" and "Common errors"."""

from lambent.errors import ServiceError
from lambent.model.http import HttpRequest
from lambent.protocol.wires import wire_for

FORM = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")]


def request(body: str, path: str = "/") -> HttpRequest:
    return HttpRequest("POST", path, "", FORM, body.encode())


def test_a_form_is_read_by_the_names_that_the_query_protocol_gives_things() -> None:
    body = (
        "Action=SendMessageBatch&Version=2012-11-05&QueueUrl=http%3A%2F%2Fh%2F1%2Fq"
        "&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=%3Cx%3E"
        "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n"
        "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=Number"
        "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=7"
    )
    wire = wire_for("sqs", request(body))
    assert wire.operation_of(request(body)) == "SendMessageBatch"
    attributes = {"n": {"DataType": "Number", "StringValue": "7"}}
    assert wire.parse("SendMessageBatch", request(body)) == {
        "QueueUrl": "http://h/1/q",
        "Entries": [{"Id": "a", "MessageBody": "<x>", "MessageAttributes": attributes}],
    }


def test_a_request_to_the_queues_own_address_need_not_name_it() -> None:
    sent = request("Action=ReceiveMessage&AttributeName.1=All", "/000000000000/q")
    assert wire_for("sqs").parse("ReceiveMessage", sent) == {"QueueUrl": "/000000000000/q", "AttributeNames": ["All"]}


def test_a_queue_that_is_not_there_is_called_by_its_old_name() -> None:
    error = ServiceError("gone")
    error.code = "QueueDoesNotExist"
    answer = wire_for("sqs").error(error, request("Action=DeleteQueue"), "id")
    assert answer.status == 400
    assert b"<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in answer.body
    assert b"<Type>Sender</Type>" in answer.body


def test_answers_are_flat_lists_in_a_result() -> None:
    output = {"Messages": [{"Body": "a", "Attributes": {"SenderId": "me"}}, {"Body": "b"}]}
    body = wire_for("sqs").answer("ReceiveMessage", output, request("Action=ReceiveMessage"), "id").body
    assert b"<ReceiveMessageResult><Message><Body>a</Body><Attribute><Name>SenderId</Name><Value>me</Value>" in body
    assert b"</Message><Message><Body>b</Body></Message></ReceiveMessageResult>" in body
