"""The rest-xml protocol, which is S3's: method, path and query name the operation, bodies are XML.

Errors are `<Error>` without a wrapper, with the code's own members (`Key`, `BucketName`) inside.
The names of the answers' root elements are not in botocore's model; those below are of the S3 API
reference ("Response Syntax" of each action), and some clients look at them. GetBucketLocation's
answer is one element that holds the text itself.
"""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import OperationModel, ServiceModel, Shape

from lambent.errors import ServiceError
from lambent.model.http import HttpRequest, HttpResponse
from lambent.protocol.dialect import Answerer, RequestReader
from lambent.protocol.eventstream import EventWriter
from lambent.protocol.failures import Unmodelled, Unparsable, coded, unknown_operation
from lambent.protocol.faults import FaultForm
from lambent.protocol.models import event_stream_name, members_of
from lambent.protocol.parse_xml import XmlReader, decode_xml
from lambent.protocol.rest_request import RestRequests
from lambent.protocol.rest_response import HeaderPlan, HeaderWriter, RestAnswer
from lambent.protocol.router import RestRouter
from lambent.protocol.serialize_xml import XmlWriter, document, element, escaped

CONTENT_TYPE = "application/xml"
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
UNWRAPPED = {"GetBucketLocationOutput": "LocationConstraint"}
ROOTS = {
    "CompleteMultipartUploadOutput": "CompleteMultipartUploadResult",
    "CreateMultipartUploadOutput": "InitiateMultipartUploadResult",
    "CreateSessionOutput": "CreateSessionResult",
    "DeleteObjectsOutput": "DeleteResult",
    "GetBucketAccelerateConfigurationOutput": "AccelerateConfiguration",
    "GetBucketAclOutput": "AccessControlPolicy",
    "GetBucketCorsOutput": "CORSConfiguration",
    "GetBucketLifecycleConfigurationOutput": "LifecycleConfiguration",
    "GetBucketLifecycleOutput": "LifecycleConfiguration",
    "GetBucketLoggingOutput": "BucketLoggingStatus",
    "GetBucketRequestPaymentOutput": "RequestPaymentConfiguration",
    "GetBucketTaggingOutput": "Tagging",
    "GetBucketVersioningOutput": "VersioningConfiguration",
    "GetBucketWebsiteOutput": "WebsiteConfiguration",
    "GetObjectAclOutput": "AccessControlPolicy",
    "GetObjectAttributesOutput": "GetObjectAttributesResponse",
    "GetObjectTaggingOutput": "Tagging",
    "ListBucketAnalyticsConfigurationsOutput": "ListBucketAnalyticsConfigurationResult",
    "ListBucketIntelligentTieringConfigurationsOutput": "ListBucketIntelligentTieringConfigurationsResult",
    "ListBucketInventoryConfigurationsOutput": "ListInventoryConfigurationsResult",
    "ListBucketMetricsConfigurationsOutput": "ListMetricsConfigurationsResult",
    "ListBucketsOutput": "ListAllMyBucketsResult",
    "ListDirectoryBucketsOutput": "ListAllMyDirectoryBucketsResult",
    "ListMultipartUploadsOutput": "ListMultipartUploadsResult",
    "ListObjectVersionsOutput": "ListVersionsResult",
    "ListObjectsOutput": "ListBucketResult",
    "ListObjectsV2Output": "ListBucketResult",
    "ListPartsOutput": "ListPartsResult",
}


def _decode(body: bytes) -> Any:
    try:
        return decode_xml(body)
    except Unparsable as error:
        raise coded(error, "MalformedXML") from None


class RestXmlDialect:
    """A service in rest-xml."""

    def __init__(self, model: ServiceModel) -> None:
        self._router = RestRouter(model)
        self._requests = RestRequests(XmlReader(), _decode)
        self._writer, self._headers = XmlWriter(always_millis=True), HeaderWriter()

    def operation_of(self, request: HttpRequest) -> str:
        name = self._router.match(request)
        if name is None:
            message = "The specified method is not allowed against this resource."
            raise unknown_operation(message, "MethodNotAllowed", 405)
        return name

    def reader(self, operation: OperationModel) -> RequestReader:
        return self._requests.plan(operation)

    def _body_of(self, shape: Shape, members: dict[str, Shape]) -> Callable[[Mapping[str, Any]], bytes]:
        root = ROOTS.get(shape.name, shape.serialization.get("name", shape.name))
        if shape.name in UNWRAPPED:
            return _unwrapped(UNWRAPPED[shape.name])
        content = self._writer.content_of(members)

        def write(value: Mapping[str, Any]) -> bytes:
            out: list[str] = []
            attributes = content(value, out)
            return document(f'<{root} xmlns="{NAMESPACE}"{attributes}>{"".join(out)}</{root}>')

        return write

    def answerer(self, operation: OperationModel) -> Answerer:
        event = self.event_writer(operation) if event_stream_name(operation) else None
        plan = RestAnswer(operation, self._headers, self._body_of, CONTENT_TYPE, event)
        return lambda output, _request_id: plan.write(output)

    def event_writer(self, operation: OperationModel) -> Callable[[Mapping[str, Any]], bytes]:
        stream = event_stream_name(operation)
        if stream is None:
            raise Unmodelled(f"{operation.name} answers without an event stream")
        return EventWriter(members_of(operation.output_shape)[stream], self._body_of, "text/xml").write

    def error(self, error: ServiceError, form: FaultForm, request_id: str) -> HttpResponse:
        more = {name: value for name, value in error.members.items() if value is not None}
        headers = [("Content-Type", CONTENT_TYPE), *HeaderPlan(form.shape, self._headers).take(more)]
        out = ["<Error>", element("Code", form.query_code), element("Message", error.message)]
        out += [element(name, str(value)) for name, value in more.items()]
        out.append(f"{element('RequestId', request_id)}{element('HostId', request_id)}</Error>")
        return HttpResponse(form.status, headers, document("".join(out)))


def _unwrapped(name: str) -> Callable[[Mapping[str, Any]], bytes]:
    def write(value: Mapping[str, Any]) -> bytes:
        if value.keys() - {name}:
            raise Unmodelled(f"the model has only {name!r} here")
        return document(f'<{name} xmlns="{NAMESPACE}">{escaped(value.get(name) or "")}</{name}>')

    return write
