"""What the policies of resources may ask of a request that only its HTTP form tells: condition keys. Pure.

Sources: IAM User Guide, "AWS global condition context keys" (aws:Referer, aws:UserAgent, aws:CurrentTime,
aws:EpochTime); S3 API reference, "Amazon S3 Signature Version 4 Authentication Specific Policy Keys": the age of a
signature is that of links and forms, and 0 for those of version 2; only a header tells the hash of the content.
"""

from datetime import UTC, datetime
from urllib.parse import parse_qs

from lambent.model.http import HttpRequest

STAMP = "%Y%m%dT%H%M%SZ"
V4, V2 = "AWS4-HMAC-SHA256", "AWS"
HEADERS = {
    "aws:useragent": "user-agent",
    "aws:referer": "referer",
    "s3:x-amz-content-sha256": "x-amz-content-sha256",
}


def keys_of(request: HttpRequest, *, signed: bool, form: bool, now_s: float, machine_s: float) -> dict[str, str]:
    """The condition keys of a request, in lower case.

    Args:
        request: as it came; of a form, the PutObject that it amounts to.
        signed: whether somebody has signed it.
        form: whether a form was posted.
        now_s: the platform's time.
        machine_s: the time of those who sign.
    """
    sent = dict(reversed(request.headers))
    found = {key: sent[name] for key, name in HEADERS.items() if name in sent}
    found |= {
        "aws:currenttime": datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:epochtime": str(int(now_s)),
    }
    return found | _signature_of(request, form, machine_s) if signed else found


def _signature_of(request: HttpRequest, form: bool, machine_s: float) -> dict[str, str]:
    if not form and request.header("authorization"):
        return {"s3:authtype": "REST-HEADER", "s3:signatureversion": V4}
    stamp = request.header("x-amz-date") if form else parse_qs(request.query).get("X-Amz-Date", [""])[0]
    made_s = datetime.strptime(stamp, STAMP).replace(tzinfo=UTC).timestamp() if stamp else machine_s
    return {
        "s3:authtype": "POST" if form else "REST-QUERY-STRING",
        "s3:signatureversion": V4 if stamp else V2,
        "s3:signatureage": str(max(0, int((machine_s - made_s) * 1000))),
    }
