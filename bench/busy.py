"""A control plane kept busy: somebody creates, invokes, lists, searches logs and deletes without a pause.

    with control_kept_busy(server) as rounds:
        ...                                     # what is measured meanwhile

The client is boto3 in a thread of this process: it takes its share of the two cores, too. What fails there fails the
benchmark, for without it nobody keeps the server busy.
"""

import contextlib
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import functions
from lambent.cli.access import client
from lambent.cli.server import Server

SEARCHED_GROUPS = 3


@contextlib.contextmanager
def control_kept_busy(server: Server) -> Iterator[list[str]]:
    """Keep `server` busy; the names of the functions that came and went so far."""
    iam, lambda_, logs = (client(server.access, name) for name in ("iam", "lambda", "logs"))
    role = functions.role_of(iam, "busy")
    rounds: list[str] = []
    enough = threading.Event()

    def work() -> None:
        for number in itertools.takewhile(lambda _: not enough.is_set(), itertools.count()):
            name = f"busy-{number}"
            functions.make(lambda_, role, name, functions.ECHO)
            lambda_.invoke(FunctionName=name, Payload=b"{}")["Payload"].read()
            lambda_.list_functions()
            for group in logs.describe_log_groups(limit=SEARCHED_GROUPS)["logGroups"]:
                logs.filter_log_events(logGroupName=group["logGroupName"], filterPattern="REPORT", limit=50)
            lambda_.delete_function(FunctionName=name)
            rounds.append(name)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        try:
            yield rounds
        finally:
            enough.set()
        working.result()
