"""A topic is told of a bucket's events: what its policy has to say, and each kind of event by its name."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError


def statement(service: str, action: str, resource: str, source: str) -> str:
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": action,
        "Resource": resource,
        "Condition": {"ArnLike": {"aws:SourceArn": source}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})


def test_a_topic_is_told_of_posts_tags_and_versions(platform: Any, eventually: Callable[..., Any]) -> None:
    """S3 User Guide, "Amazon S3 event notification types and destinations": what a topic gets."""
    s3, sns, sqs = (platform.client(name) for name in ("s3", "sns", "sqs"))
    bucket = f"topics-{uuid.uuid4().hex[:10]}"
    s3.create_bucket(Bucket=bucket)
    topic = sns.create_topic(Name=bucket)["TopicArn"]
    rule = {
        "TopicArn": topic,
        "Events": ["s3:ObjectCreated:*", "s3:ObjectTagging:*", "s3:ObjectRemoved:DeleteMarkerCreated"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".jpg"}]}},
    }
    configuration = {"TopicConfigurations": [rule]}
    with pytest.raises(ClientError, match="InvalidArgument"):
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    policy = statement("s3.amazonaws.com", "sns:Publish", topic, f"arn:aws:s3:::{bucket}")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    url = sqs.create_queue(QueueName=bucket)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = statement("sns.amazonaws.com", "sqs:SendMessage", queue, topic)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": allowed})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    post = s3.generate_presigned_post(bucket, "in/${filename}")
    assert httpx.post(post["url"], data=post["fields"], files={"file": ("a.jpg", b"1")}).status_code == 204
    s3.put_object(Bucket=bucket, Key="in/a.txt", Body=b"the suffix is another")
    s3.put_object_tagging(Bucket=bucket, Key="in/a.jpg", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    s3.delete_object(Bucket=bucket, Key="in/a.jpg")
    told: dict[str, str] = {}

    def all_told() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2).get("Messages", []):
            body = json.loads(message["Body"])
            for record in body.get("Records", []):
                told[record["eventName"]] = record["s3"]["object"]["key"]
            if body.get("Event"):
                told[body["Event"]] = body["Bucket"]
        return len(told) >= 4

    eventually(all_told, 60.0)
    assert told == {
        "s3:TestEvent": bucket,
        "ObjectCreated:Post": "in/a.jpg",
        "ObjectTagging:Put": "in/a.jpg",
        "ObjectRemoved:DeleteMarkerCreated": "in/a.jpg",
    }
