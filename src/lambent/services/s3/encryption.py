"""Encryption at rest with keys of the server's: PutBucketEncryption, GetBucketEncryption, DeleteBucketEncryption, and
what requests may ask for.

Every new object is encrypted (`bodies.py`, `store/encryption.py`), whoever asks for it or not, so that AES256 is what
every bucket has, also without a configuration. Keys of a KMS and of the customer are refused by name.

Source: S3 API reference, the three operations and PutObject; S3 User Guide, "Using server-side encryption with Amazon
S3 managed keys (SSE-S3)" and "Blocking or unblocking SSE-C for a general purpose bucket".
"""

from collections.abc import Mapping
from typing import Any

from msgspec import json

from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3 import store
from lambent.services.s3.asking import KMS, bucket_of
from lambent.services.s3.errors import invalid_argument, malformed, not_implemented
from lambent.services.s3.model import AES256
from lambent.store.api import Database

SETTING = "encryption"
EVERY_BUCKETS = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": AES256}, "BucketKeyEnabled": False}


class Encryption:
    """What a bucket's new objects are encrypted with."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation("PutBucketEncryption")
    async def put_bucket_encryption(self, ctx: RequestContext, request: Request) -> None:
        body = json.encode(rule_of(request["ServerSideEncryptionConfiguration"])).decode()
        await self._database.write(lambda tx: store.set_setting(tx, bucket_of(tx, ctx, request), SETTING, body))

    @operation("GetBucketEncryption")
    async def get_bucket_encryption(self, ctx: RequestContext, request: Request) -> Answer:
        body = await self._database.read(lambda tx: store.setting(tx, bucket_of(tx, ctx, request), SETTING))
        rule = EVERY_BUCKETS if body is None else json.decode(body)
        return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}

    @operation("DeleteBucketEncryption")
    async def delete_bucket_encryption(self, ctx: RequestContext, request: Request) -> None:
        await self._database.write(lambda tx: store.set_setting(tx, bucket_of(tx, ctx, request), SETTING, None))


def rule_of(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The one rule of a configuration, as it is shown. Raises MalformedXML, InvalidArgument, NotImplemented."""
    rules = configuration.get("Rules") or []
    if len(rules) != 1:
        raise malformed()
    default = rules[0].get("ApplyServerSideEncryptionByDefault")
    if default is not None:
        _check_default(default)
    shown = EVERY_BUCKETS | {"BucketKeyEnabled": bool(rules[0].get("BucketKeyEnabled"))}
    blocked = (rules[0].get("BlockedEncryptionTypes") or {}).get("EncryptionType") or []
    if any(each not in ("NONE", "SSE-C") for each in blocked) or len(blocked) > 1:
        raise malformed()
    if blocked == ["NONE"]:
        raise not_implemented("Encryption with keys of the customer, which BlockedEncryptionTypes NONE would let in,")
    return shown | ({"BlockedEncryptionTypes": {"EncryptionType": blocked}} if blocked else {})


def _check_default(default: Mapping[str, Any]) -> None:
    algorithm = default.get("SSEAlgorithm")
    if algorithm in KMS:
        raise not_implemented(f"Encryption with KMS keys ({algorithm})")
    if algorithm != AES256:
        raise malformed()
    if default.get("KMSMasterKeyID") is not None:
        raise invalid_argument(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
        )
