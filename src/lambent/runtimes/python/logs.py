"""The function's log: standard streams, the root logger's handler, and how an error is written.

One logging record, or one traceback, is one log event: it goes out in a single write that begins
with NUL and has its newlines as NUL (see `lambent/environment/api.py`). print() is left alone.

Source: behaviours section 15; Lambda Developer Guide, "Log and monitor Python Lambda functions";
the order of the JSON members was compared with awslambdaric 4.2.2.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, TextIO

TEXT_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
TEXT_TIME = "%Y-%m-%dT%H:%M:%S"
JSON_TIME = "%Y-%m-%dT%H:%M:%SZ"
NO_BREAK_SPACE = "\u00a0"
STDOUT = 1
LEVELS = {"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL"}
NEVER_EXTRA = frozenset(vars(logging.makeLogRecord({}))) | {
    "aws_request_id",
    "tenant_id",
    "message",
    "asctime",
    "taskName",
}


def open_streams() -> tuple[TextIO, TextIO]:
    """Put fresh line-buffered streams over descriptors 1 and 2, and return them.

    Line-buffered, so that what child processes write keeps its place among the prints.
    """
    out = open(1, "w", 1, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    err = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = out, err
    vars(sys).update(__stdout__=out, __stderr__=err)
    return out, err


class EventSink:
    """Writes log events; knows in which invocation we are."""

    def __init__(self, stream: TextIO, json_format: bool) -> None:
        self._stream = stream
        self._json_format = json_format
        self.request_id = ""

    def log(self, text: str) -> None:
        """Write `text` as one event, after everything that was printed before it."""
        self._stream.flush()
        if text.endswith("\n"):
            text = text[:-1]
        rest = memoryview(b"\0%b\n" % text.replace("\n", "\0").encode("utf-8", "backslashreplace"))
        while rest:
            rest = rest[os.write(STDOUT, rest) :]

    def error(self, error: dict[str, Any]) -> None:
        """Write an error object in the form of the log format."""
        self.log(_json_error(error) if self._json_format else _text_error(error))


def _json_error(error: dict[str, Any]) -> str:
    stamp = time.strftime(JSON_TIME, time.gmtime())
    return _to_json({"timestamp": stamp, "level": "ERROR", **error})


def _text_error(error: dict[str, Any]) -> str:
    told = ": ".join(part for part in (error["errorType"], error["errorMessage"]) if part)
    lines = [f"[ERROR] {told}" if told else "[ERROR]", "Traceback (most recent call last):"]
    for element in error["stackTrace"]:
        lines += [_unbreakable(line) for line in element.splitlines()]
    return "\n".join(lines)


def _unbreakable(line: str) -> str:
    text = line.lstrip(" ")
    return NO_BREAK_SPACE * (len(line) - len(text)) + text


class LambdaLoggerHandler(logging.Handler):
    """The root logger's handler: one record, one event."""

    def __init__(self, log_sink: EventSink) -> None:
        super().__init__()
        self.log_sink = log_sink

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.log_sink.log(self.format(record))
        except Exception:
            self.handleError(record)  # how every handler of the standard library reports it


class LambdaLoggerFilter(logging.Filter):
    """Gives each record the id of the invocation that is running."""

    def __init__(self, log_sink: EventSink) -> None:
        super().__init__()
        self._log_sink = log_sink

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = self._log_sink.request_id
        record.tenant_id = None
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a record; what a call gave as `extra` is added at the end."""

    def format(self, record: logging.LogRecord) -> str:
        failure = record.exc_info if record.exc_info and record.exc_info[0] else None
        as_object = isinstance(record.msg, dict) and not record.args
        told = {
            "timestamp": self.formatTime(record, JSON_TIME),
            "level": logging.getLevelName(min(50, max(0, record.levelno)) // 10 * 10),
            "message": record.msg if as_object else record.getMessage(),
            "logger": record.name,
            "stackTrace": traceback.format_tb(failure[2]) if failure else None,
            "errorType": failure[0].__name__ if failure and failure[0] else None,
            "errorMessage": str(failure[1]) if failure else None,
            "requestId": getattr(record, "aws_request_id", None),
            "location": f"{record.pathname}:{record.funcName}:{record.lineno}" if failure else None,
        }
        extra = {name: value for name, value in vars(record).items() if name not in NEVER_EXTRA and name not in told}
        return _to_json({name: value for name, value in {**told, **extra}.items() if value is not None})


def _to_json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def set_up_logging(stream: TextIO) -> EventSink:
    """Give the root logger its handler, its format and its level; returns where events go."""
    json_format = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    sink = EventSink(stream, json_format)
    handler = LambdaLoggerHandler(sink)
    handler.setFormatter(JsonFormatter() if json_format else logging.Formatter(TEXT_FORMAT, TEXT_TIME))
    handler.addFilter(LambdaLoggerFilter(sink))
    logging.Formatter.converter = time.gmtime  # for the function's own formatters too, as on AWS
    root = logging.getLogger()
    root.addHandler(handler)
    level = LEVELS.get(level, level)
    if level in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
        root.setLevel(level)
    return sink
