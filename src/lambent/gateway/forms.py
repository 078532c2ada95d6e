"""The road for files that browsers post to a bucket, with a form that somebody with a key signed for them.

Who signed the policy in the form is who puts the object. A form without a policy is posted by nobody in particular,
whom the bucket's policy judges. The file goes the way of every body (`receiving.py`); what control is told is the
PutObject that the form amounts to.

Source: S3 API reference, "POST Object" and "Browser-based uploads using POST".
"""

import re
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote, urlencode, urlsplit

from msgspec import structs

from lambent.clock import Clock
from lambent.gateway.authentication import KeyCache
from lambent.gateway.buckets import bucket_and_key, without_bucket
from lambent.gateway.exchange import Exchange
from lambent.gateway.form_parts import FormParts
from lambent.gateway.form_policy import FormPolicy, policy_of
from lambent.gateway.forward import forwarded
from lambent.gateway.http.streams import Response
from lambent.gateway.objects import LONGEST_BYTES, Ask, commit, too_large
from lambent.gateway.promises import BadRequest, promises_of
from lambent.gateway.receiving import Plain, Receiving
from lambent.model.http import HttpRequest, HttpResponse
from lambent.model.objects import ObjectCall
from lambent.protocol.form_signatures import credential_of_form, verify_form
from lambent.protocol.parse_xml import decode_xml
from lambent.protocol.serialize_xml import document, element
from lambent.protocol.sigv4 import unknown_key
from lambent.store.api import Objects

HEADERS = re.compile(
    r"cache-control|content-(?:type|disposition|encoding|language|md5)|expires"
    r"|x-amz-(?:acl|storage-class|website-redirect-location|(?:meta|checksum|server-side-encryption|object-lock)-?.*)"
)
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
REDIRECTS = ("success_action_redirect", "redirect")
FILENAME = "${filename}"


class Forms:
    """For what nobody in particular sends: who signed the form is who it is then.

    Args:
        ask: the call over the connection to control.
        objects: where the bytes lie.
        keys: the keys that policies are verified with.
        clock: the time at which policies end.
    """

    def __init__(self, ask: Ask, objects: Objects, keys: KeyCache, clock: Clock) -> None:
        self._ask, self._objects, self._keys, self._clock = ask, objects, keys, clock

    async def answer(self, exchange: Exchange) -> Response:
        """The answer to a form."""
        bucket, _ = bucket_and_key(exchange.request)
        parts = FormParts(exchange.request.header("content-type"), exchange.chunks())
        fields = await parts.read_fields()
        if "key" not in fields:
            raise BadRequest(
                "InvalidArgument",
                "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the "
                "fields.",
            )
        fields = {name: value.replace(FILENAME, parts.filename) for name, value in fields.items()}
        if fields.setdefault("bucket", bucket) != bucket:
            raise BadRequest("InvalidArgument", "The field 'bucket' does not name the bucket of the request.")
        policy = await self._policy(exchange, fields)
        put = put_request(exchange.request, bucket, fields)
        async with Receiving(self._objects, promises_of(put)) as receiving:
            stored = structs.replace(await receiving.take(measured(parts.file(), policy), Plain(), None), form=True)
            answer = await commit(self._ask, receiving, ObjectCall(forwarded(exchange, put), stored))
        return answer if answer.status >= 300 else said(answer, exchange, bucket, fields)

    async def _policy(self, exchange: Exchange, fields: Mapping[str, str]) -> FormPolicy | None:
        """The policy, whose signer is who asks from now on. Raises ServiceError."""
        if "policy" not in fields:
            return None
        credential = credential_of_form(fields)
        key = await self._keys.get(credential)
        if key is None or not key.active:
            raise unknown_key("s3")
        now_s = self._clock.machine_s()
        verify_form(fields["policy"], credential, key, now_s)
        policy = policy_of(fields["policy"])
        policy.check(fields, now_s)
        exchange.principal, exchange.region = key.principal, credential.region
        return policy


def put_request(request: HttpRequest, bucket: str, fields: Mapping[str, str]) -> HttpRequest:
    """The PutObject that a form amounts to. Raises NotImplementedByLambent."""
    headers = [(name, value) for name, value in request.headers if name in ("host", "origin", "referer", "user-agent")]
    for name, value in fields.items():
        if HEADERS.fullmatch(name) or name == "acl":
            headers.append(("x-amz-acl" if name == "acl" else name, _checked(name, value)))
    if "policy" in fields and "x-amz-date" in fields:
        headers.append(("x-amz-date", _checked("x-amz-date", fields["x-amz-date"])))
    if "tagging" in fields:
        headers.append(("x-amz-tagging", tags_of(fields["tagging"])))
    return HttpRequest("PUT", f"/{bucket}/{quote(fields['key'], safe='/~')}", "", headers)


def tags_of(text: str) -> str:
    """The tags of a form, which are XML, as the header has them. Raises ServiceError."""
    found: list[tuple[str, str]] = []
    for tag in decode_xml(text.encode()).iter():
        if tag.tag.rpartition("}")[2] == "Tag":
            members = {child.tag.rpartition("}")[2]: child.text or "" for child in tag}
            found.append((members.get("Key", ""), members.get("Value", "")))
    return urlencode(found)


async def measured(pieces: AsyncIterator[bytes], policy: FormPolicy | None) -> AsyncIterator[bytes]:
    """The file, of a length that the policy allows. Raises EntityTooLarge, EntityTooSmall."""
    most = LONGEST_BYTES if policy is None or policy.most_bytes is None else min(policy.most_bytes, LONGEST_BYTES)
    least, total = 0 if policy is None else policy.least_bytes, 0
    async for piece in pieces:
        total += len(piece)
        if total > most:
            raise too_large(total, most)
        yield piece
    if total < least:
        error = BadRequest("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        error.members = {"ProposedSize": total, "MinSizeAllowed": least}
        raise error


def said(answer: HttpResponse, exchange: Exchange, bucket: str, fields: Mapping[str, str]) -> HttpResponse:
    """The answer to the form, as it wants it: a redirection, or 200, 201 with a document, or 204."""
    kept = [(name, value) for name, value in answer.headers if name.lower() not in ("content-length", "content-type")]
    etag = next((value for name, value in kept if name.lower() == "etag"), "")
    key, endpoint = fields["key"], without_bucket(exchange.endpoint, exchange.request)
    location = f"{endpoint}/{bucket}/{quote(key, safe='')}"
    target = next((_checked(name, fields[name]) for name in REDIRECTS if name in fields), "")
    if urlsplit(target).scheme in ("http", "https"):
        mark = "&" if "?" in target else "?"
        query = urlencode({"bucket": bucket, "key": key, "etag": etag})
        return HttpResponse(303, [*kept, ("location", f"{target}{mark}{query}")])
    headers = [*kept, ("location", location)]
    status = fields.get("success_action_status")
    if status != "201":
        return HttpResponse(200 if status == "200" else 204, headers)
    members = {"Location": location, "Bucket": bucket, "Key": key, "ETag": etag}
    body = "".join(element(name, value) for name, value in members.items())
    return HttpResponse(
        201, [*headers, ("content-type", "application/xml")], document(f"<PostResponse>{body}</PostResponse>")
    )


def _checked(name: str, value: str) -> str:
    """A field that becomes a header, as its octets. Raises InvalidArgument."""
    if CONTROL.search(value):
        raise BadRequest("InvalidArgument", f"Form field {name} has characters that no header may have.")
    return value.encode().decode("latin-1")
