"""A bucket whose uploads run a function, made or brought up to date through the public API."""

import contextlib
from typing import Any

from lambent.cli.access import Access, client

CONFIGURATIONS = "LambdaFunctionConfigurations"


def watch_bucket(access: Access, place: str, function: str, function_arn: str) -> str:
    """Let what is put under `BUCKET/PREFIX` run the function; the bucket's ARN. Other notifications stay."""
    bucket, _, prefix = place.partition("/")
    s3, lambda_ = client(access, "s3"), client(access, "lambda")
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=bucket, **_where(access.region))
    arn = f"arn:aws:s3:::{bucket}"
    with contextlib.suppress(lambda_.exceptions.ResourceConflictException):  # it may already
        lambda_.add_permission(
            FunctionName=function,
            StatementId=f"bucket-{bucket.replace('.', '-')}",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn=arn,
        )
    configuration = s3.get_bucket_notification_configuration(Bucket=bucket)
    configuration.pop("ResponseMetadata")
    others = [each for each in configuration.get(CONFIGURATIONS, []) if each["LambdaFunctionArn"] != function_arn]
    wanted: dict[str, Any] = {"Id": function, "LambdaFunctionArn": function_arn, "Events": ["s3:ObjectCreated:*"]}
    if prefix:
        wanted["Filter"] = {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}}
    configuration[CONFIGURATIONS] = [*others, wanted]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    return arn


def _where(region: str) -> dict[str, Any]:
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
