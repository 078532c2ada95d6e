"""Policies that AWS itself keeps, `arn:aws:iam::aws:policy/...`: those that functions and their tools use.

Source: AWS Managed Policy Reference Guide, the page of each policy; statements about services that
Lambent lacks are left out. Any other ARN under `arn:aws:iam::aws:policy/` does not exist here, and
attaching it says so.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, json

from lambent.services.iam.model import Policy

BORN_MS = 1_423_180_800_000  # 2015-02-06, the day of the first AWS managed policies
_LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
_VPC = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
]
_DYNAMODB = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
_KINESIS = [
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
    "kinesis:ListStreams",
    "kinesis:SubscribeToShard",
]
_SQS = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
_S3_READ = ["s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*"]

# Path and name, then the actions that the policy allows on every resource.
_ALLOWED: dict[str, list[str]] = {
    "/AdministratorAccess": ["*"],
    "/AmazonDynamoDBFullAccess_v2": ["dynamodb:*"],
    "/AmazonS3FullAccess": ["s3:*", "s3-object-lambda:*"],
    "/AmazonS3ReadOnlyAccess": _S3_READ,
    "/AmazonSNSFullAccess": ["sns:*"],
    "/AmazonSNSReadOnlyAccess": ["sns:GetTopicAttributes", "sns:List*"],
    "/AmazonSQSFullAccess": ["sqs:*"],
    "/AmazonSSMFullAccess": ["ssm:*"],
    "/AmazonSSMReadOnlyAccess": ["ssm:Describe*", "ssm:Get*", "ssm:List*"],
    "/AWSCloudFormationFullAccess": ["cloudformation:*"],
    "/CloudWatchLogsFullAccess": ["logs:*"],
    "/IAMFullAccess": ["iam:*"],
    "/service-role/AWSLambdaBasicExecutionRole": _LOGS,
    "/service-role/AWSLambdaDynamoDBExecutionRole": [*_DYNAMODB, *_LOGS],
    "/service-role/AWSLambdaKinesisExecutionRole": [*_KINESIS, *_LOGS],
    "/service-role/AWSLambdaRole": ["lambda:InvokeFunction"],
    "/service-role/AWSLambdaSQSQueueExecutionRole": [*_SQS, *_LOGS],
    "/service-role/AWSLambdaVPCAccessExecutionRole": [*_LOGS, *_VPC],
    "/AWSLambdaInvocation-DynamoDB": ["lambda:InvokeFunction", *_DYNAMODB],
    "/AWSLambda_FullAccess": ["lambda:*", "logs:*", "cloudwatch:*", "iam:GetRole", "iam:ListRoles"],
    "/AWSXRayDaemonWriteAccess": [
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:GetSamplingStatisticSummaries",
    ],
}

# Statements beyond that, by path and name.
_MORE: dict[str, list[dict[str, Any]]] = {
    "/AWSLambda_FullAccess": [
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": "*",
            "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        }
    ]
}


class ManagedPolicy(Struct, frozen=True):
    """One of AWS's policies, with the document of its only version."""

    policy: Policy
    document: str


def managed_policies() -> Mapping[str, ManagedPolicy]:
    """All of them, by ARN."""
    made = (_policy(number, place, actions) for number, (place, actions) in enumerate(_ALLOWED.items()))
    return {managed.policy.arn: managed for managed in made}


def _policy(number: int, place: str, actions: list[str]) -> ManagedPolicy:
    path, _, name = place.rpartition("/")
    statement: dict[str, Any] = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    statements = [statement, *_MORE.get(place, [])]
    document = json.encode({"Version": "2012-10-17", "Statement": statements}).decode()
    arn = f"arn:aws:iam::aws:policy{place}"
    policy = Policy(arn, "aws", name, f"{path}/", f"ANPALAMBENT{number:010d}", "", 1, 1, BORN_MS, BORN_MS, {})
    return ManagedPolicy(policy, document)
