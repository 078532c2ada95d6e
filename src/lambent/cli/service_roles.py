"""The roles that `lambent deploy` makes for those who ask for none: one for functions, one for schedules."""

import json

from msgspec import Struct

from lambent.cli.access import Access, client

VERSION = "2012-10-17"


class ServiceRole(Struct, frozen=True):
    """A role that `service` may assume, allowed `actions` on everything by the inline policy `policy`."""

    name: str
    service: str
    policy: str
    actions: tuple[str, ...]
    description: str

    @property
    def trust(self) -> str:
        """Who may assume it, as JSON."""
        statement = {"Effect": "Allow", "Principal": {"Service": self.service}, "Action": "sts:AssumeRole"}
        return json.dumps({"Version": VERSION, "Statement": [statement]})

    @property
    def permissions(self) -> str:
        """What it may do, as JSON."""
        statement = {"Effect": "Allow", "Action": list(self.actions), "Resource": "*"}
        return json.dumps({"Version": VERSION, "Statement": [statement]})


# What AWS's own AWSLambdaBasicExecutionRole grants. Source: Lambda Developer Guide, "Execution role".
EXECUTION = ServiceRole(
    "lambent-execution",
    "lambda.amazonaws.com",
    "logs",
    ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
    "Functions that `lambent deploy` made",
)
SCHEDULER = ServiceRole(
    "lambent-scheduler",
    "scheduler.amazonaws.com",
    "invoke",
    ("lambda:InvokeFunction",),
    "Schedules that `lambent deploy` made",
)


def role_arn(access: Access, role: ServiceRole) -> str:
    """The ARN of `role`; it is made at the first use."""
    iam = client(access, "iam")
    try:
        found = iam.get_role(RoleName=role.name)
    except iam.exceptions.NoSuchEntityException:
        found = iam.create_role(RoleName=role.name, AssumeRolePolicyDocument=role.trust, Description=role.description)
        iam.put_role_policy(RoleName=role.name, PolicyName=role.policy, PolicyDocument=role.permissions)
    arn: str = found["Role"]["Arn"]
    return arn
