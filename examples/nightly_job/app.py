"""A report of yesterday: how often each function ran, how many runs failed, and what they were billed.

Event: what EventBridge Scheduler sends, or {"time": "2026-01-31T03:00:00Z"}; the day before that time is
reported, in UTC. Answer: {"day", "functions": {NAME: {"invocations", "failures", "billed_ms"}}}.
The role needs logs:DescribeLogGroups and logs:FilterLogEvents.
"""

import re
from datetime import UTC, datetime, timedelta

import boto3

PREFIX = "/aws/lambda/"
BILLED = re.compile(r"Billed Duration: (\d+) ms")
FAILED = re.compile(r"Status: (error|timeout)")


def handler(event, context):
    now = datetime.fromisoformat(event["time"]).astimezone(UTC)
    end = now.replace(hour=0, minute=0, second=0, microsecond=0)
    logs = boto3.client("logs")
    report = {"day": f"{end - timedelta(days=1):%Y-%m-%d}", "functions": {}}
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=PREFIX):
        for group in page["logGroups"]:
            lines = reports_of(logs, group["logGroupName"], end - timedelta(days=1), end)
            if lines:
                report["functions"][group["logGroupName"].removeprefix(PREFIX)] = summary(lines)
    for name, numbers in sorted(report["functions"].items()):
        print(report["day"], name, *(f"{key}={value}" for key, value in numbers.items()))
    return report


def reports_of(logs, group, begin, end):
    """The REPORT lines of a log group between two moments."""
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group,
        filterPattern='"REPORT RequestId"',
        startTime=round(begin.timestamp() * 1000),
        endTime=round(end.timestamp() * 1000) - 1,
    )
    return [event["message"] for page in pages for event in page["events"]]


def summary(lines):
    """What REPORT lines add up to."""
    billed = [BILLED.search(line) for line in lines]
    return {
        "invocations": len(lines),
        "failures": sum(1 for line in lines if FAILED.search(line)),
        "billed_ms": sum(int(match[1]) for match in billed if match),
    }
