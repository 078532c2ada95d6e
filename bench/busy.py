"""A control plane kept busy: somebody creates, invokes, lists, searches logs and deletes without a pause.

    with control_kept_busy(server) as rounds:
        ...                                     # what is measured meanwhile

The client is boto3 in a thread of this process: it takes its share of the two cores, too.
"""

import contextlib
import os
import threading
from collections.abc import Iterator

from invoke_bench import ECHO, Target

from lambent.cli.server import Server

SEARCHED_GROUPS = 3


@contextlib.contextmanager
def control_kept_busy(server: Server) -> Iterator[list[str]]:
    """Keep `server` busy; the names of the functions that came and went so far."""
    variables = server.access.variables()
    os.environ.update(variables)
    target = Target(server.endpoint, variables["AWS_DEFAULT_REGION"], 1, "python3.11")
    logs = target.session.client("logs", endpoint_url=server.endpoint)
    rounds: list[str] = []
    enough = threading.Event()

    def work() -> None:
        while not enough.is_set():
            name = target.create(ECHO)
            target.invoke(name)
            target.lambda_.list_functions()
            for group in logs.describe_log_groups(limit=SEARCHED_GROUPS)["logGroups"]:
                logs.filter_log_events(logGroupName=group["logGroupName"], filterPattern="REPORT", limit=50)
            target.lambda_.delete_function(FunctionName=name)
            rounds.append(name)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield rounds
    finally:
        enough.set()
        thread.join()
