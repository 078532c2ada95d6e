"""A topic whose messages run a function, made or brought up to date through the public API."""

import contextlib

from lambent.cli.access import Access, client


def subscribe_function(access: Access, topic: str, function: str, function_arn: str) -> str:
    """Let messages of the standard topic run the function; the topic's ARN."""
    sns, lambda_ = client(access, "sns"), client(access, "lambda")
    arn: str = sns.create_topic(Name=topic)["TopicArn"]
    with contextlib.suppress(lambda_.exceptions.ResourceConflictException):  # it may already
        lambda_.add_permission(
            FunctionName=function,
            StatementId=f"topic-{topic}"[:100],
            Action="lambda:InvokeFunction",
            Principal="sns.amazonaws.com",
            SourceArn=arn,
        )
    sns.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=function_arn)
    return arn
