"""The one version of each runtime that Lambent has, in the forms in which AWS names versions of runtimes. Pure.

The version counts as v1, and the digits of its ARN are the SHA-256 of the runtime's identifier: AWS's own mean nothing
here. Source: behaviours section 15 and recordings of 2024 and 2026 (INIT_START, platform.initStart: the same name in
both).
"""

import functools
import hashlib

from lambent.arn import make_arn


def runtime_version(runtime: str) -> str:
    """`python3.12` -> `python:3.12.v1`, `nodejs20.x` -> `nodejs:20.v1`, `provided.al2023` -> `provided:al2023.v1`."""
    family = runtime.partition(".")[0].rstrip("0123456789")
    return f"{family}:{runtime[len(family) :].lstrip('.').removesuffix('.x')}.v1"


@functools.cache
def runtime_version_arn(runtime: str, region: str) -> str:
    """Its ARN, which no account is part of."""
    return make_arn("lambda", region, "", f"runtime:{hashlib.sha256(runtime.encode()).hexdigest()}")
