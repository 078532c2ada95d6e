"""The platform's own log: one line an event on standard error, for people or as JSON."""

import logging
import os
import sys
from collections.abc import Mapping
from typing import TextIO

import structlog

from lambent.config import Settings


def set_up_logging(settings: Settings, part: str) -> None:
    """Configure structlog for this process; every line names the part."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    renderer: structlog.typing.Processor
    if settings.log_format == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=is_coloured(sys.stderr, os.environ))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(part=part)


def is_coloured(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether `stream` is a person's, who did not ask for plain text. Source: no-color.org."""
    return stream.isatty() and not environ.get("NO_COLOR")
