"""PutBucketCors, GetBucketCors, DeleteBucketCors. The edges carry the rules out (`gateway/cross_origin.py`).

Source: S3 API reference, PutBucketCors; S3 User Guide, "Using cross-origin resource sharing (CORS)"; the messages are
those that S3 gives.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import json

from lambent.model.objects import CorsRule, Door
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3 import store
from lambent.services.s3.asking import bucket_of
from lambent.services.s3.errors import S3Error, invalid_request, malformed
from lambent.store.api import Database, Transaction

SETTING = "cors"
METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
MOST_RULES, LONGEST_ID = 100, 255
MEMBERS = {
    "AllowedOrigins": "origins",
    "AllowedMethods": "methods",
    "AllowedHeaders": "headers",
    "ExposeHeaders": "exposed",
    "MaxAgeSeconds": "max_age_s",
    "ID": "id",
}


class CrossOrigin:
    """Which other sites' pages may use a bucket."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def door(self, bucket: str) -> Door | None:
        """What an edge asks for when a page of another site comes; None where there is no bucket of that name."""

        def work(tx: Transaction) -> Door | None:
            found = store.find_bucket(tx, bucket)
            return None if found is None else Door(_rules(store.setting(tx, found, SETTING)))

        return await self._database.read(work)

    @operation("PutBucketCors")
    async def put_bucket_cors(self, ctx: RequestContext, request: Request) -> None:
        body = json.encode(rules_of(request["CORSConfiguration"])).decode()
        await self._database.write(lambda tx: store.set_setting(tx, bucket_of(tx, ctx, request), SETTING, body))

    @operation("GetBucketCors")
    async def get_bucket_cors(self, ctx: RequestContext, request: Request) -> Answer:
        body = await self._database.read(lambda tx: store.setting(tx, bucket_of(tx, ctx, request), SETTING))
        if body is None:
            message = "The CORS configuration does not exist"
            raise S3Error("NoSuchCORSConfiguration", 404, message, BucketName=request["Bucket"])
        return {"CORSRules": [_shown(rule) for rule in _rules(body)]}

    @operation("DeleteBucketCors")
    async def delete_bucket_cors(self, ctx: RequestContext, request: Request) -> None:
        await self._database.write(lambda tx: store.set_setting(tx, bucket_of(tx, ctx, request), SETTING, None))


def rules_of(configuration: Mapping[str, Any]) -> tuple[CorsRule, ...]:
    """The rules of a configuration. Raises MalformedXML, InvalidRequest."""
    found = configuration.get("CORSRules") or []
    if not found:
        raise malformed()
    if len(found) > MOST_RULES:
        raise invalid_request(f"The number of CORS rules should not exceed allowed limit of {MOST_RULES} rules.")
    return tuple(map(_rule, found))


def _rule(entry: Mapping[str, Any]) -> CorsRule:
    columns: dict[str, Any] = {
        MEMBERS[name]: tuple(value) if isinstance(value, list) else value for name, value in entry.items()
    }
    if not columns.get("origins") or not columns.get("methods"):
        raise malformed()
    rule = CorsRule(**columns)
    for method in rule.methods:
        if method not in METHODS:
            raise invalid_request(f"Found unsupported HTTP method in CORS config. Unsupported method is {method}")
    for kind, patterns in (("AllowedOrigin", rule.origins), ("AllowedHeader", rule.headers)):
        for pattern in patterns:
            if pattern.count("*") > 1:
                raise invalid_request(f'{kind} "{pattern}" can not have more than one wildcard.')
    for header in rule.exposed:
        if "*" in header:
            raise invalid_request(
                f'ExposeHeader "{header}" contains wildcard. We currently do not support wildcard for ExposeHeader.'
            )
    if rule.id is not None and len(rule.id) > LONGEST_ID:
        raise invalid_request(f"The ID of a rule may have {LONGEST_ID} characters.")
    return rule


def _rules(body: str | None) -> tuple[CorsRule, ...]:
    return () if body is None else json.decode(body, type=tuple[CorsRule, ...])


def _shown(rule: CorsRule) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for member, name in MEMBERS.items():
        value = getattr(rule, name)
        if value not in ((), None):
            shown[member] = list(value) if isinstance(value, tuple) else value
    return shown
