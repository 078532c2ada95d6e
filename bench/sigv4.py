"""What one signature check costs: a 300-byte signed Lambda Invoke, microseconds per request.

    .venv/bin/python bench/sigv4.py [--checks 20000]

The goal is 15 us, so that 10,000 invokes a second spend less than a sixth of one core at the door.
"""

import timeit
from datetime import UTC, datetime

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from command import how_many, parser, run
from lambent.model.http import HttpRequest
from lambent.model.principal import AccessKey, Principal
from lambent.protocol.sigv4 import credential_of, verify

URL = "http://127.0.0.1:4566/2015-03-31/functions/thumbnail/invocations"
BODY = b'{"payload": "' + b"x" * 285 + b'"}'
KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Principal("0" * 12, "arn", "id"))
GOAL_US, RUNS = 15.0, 5


def signed_invoke() -> HttpRequest:
    """The request that boto3's Lambda client sends for Invoke."""
    headers = {
        "User-Agent": "Boto3/1.44 md/Botocore#1.44 ua/2.1 os/linux#6.1 md/arch#x86_64 lang/python#3.11",
        "amz-sdk-invocation-id": "3f1a7a8e-0b7e-4a52-9d9c-1f2e3d4c5b6a",
        "amz-sdk-request": "attempt=1",
    }
    request = AWSRequest("POST", URL, headers, BODY)
    SigV4Auth(Credentials(KEY.access_key_id, KEY.secret), "lambda", "us-east-1").add_auth(request)
    sent = [(name.lower(), value) for name, value in request.headers.items()]
    wire = [("host", "127.0.0.1:4566"), ("accept-encoding", "identity"), ("content-length", str(len(BODY)))]
    return HttpRequest("POST", URL.removeprefix("http://127.0.0.1:4566"), "", wire + sent, BODY)


def main() -> None:
    """Print the best of some runs."""
    flags = parser(__doc__)
    flags.add_argument("--checks", type=how_many, default=20_000)
    checks = flags.parse_args().checks
    request, now_s = signed_invoke(), datetime.now(UTC).timestamp()

    def check() -> None:
        verify(request, credential_of(request), KEY, now_s)

    best_us = min(timeit.repeat(check, number=checks, repeat=RUNS)) / checks * 1e6
    print(f"signature check, 300-byte Invoke: {best_us:.1f} us (goal {GOAL_US:.0f} us)")


if __name__ == "__main__":
    run(main)
