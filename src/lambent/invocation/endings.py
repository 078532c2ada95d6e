"""How an invocation ends: its answer, its record in the journal, and what the pool learns from it.

Everything here is one uninterrupted step after the outcome; nothing waits. `records.py` has what is written,
`answers.py` what is answered; here is when, and who counts it.
"""

from typing import NoReturn

import msgspec

from lambent.clock import Clock
from lambent.environment.api import Outcome, OutcomeKind
from lambent.errors import ServiceError
from lambent.invocation.answers import Answer, answer_for, init_answer_for
from lambent.invocation.api import Journal, Render
from lambent.invocation.errors import ServiceFailed, is_throttle
from lambent.invocation.records import (
    Run,
    duration_of,
    record_of,
    settled_record,
    shutdown_record,
    tail_of,
    throttle_record,
)
from lambent.model.function import FunctionSnapshot
from lambent.model.invocation import Invocation, InvocationResult


class Endings:
    """Writes down every invocation of one edge once, run or throttled."""

    def __init__(self, journal: Journal, render: Render, clock: Clock, response_bytes: int) -> None:
        self._journal, self._render, self._clock = journal, render, clock
        self._response_bytes = response_bytes
        self.invocations = self.throttles = 0

    def note_throttle(self, error: BaseException, invocation: Invocation, snapshot: FunctionSnapshot) -> None:
        if isinstance(error, ServiceError) and is_throttle(error):
            self.throttled(invocation, snapshot)

    def throttled(self, invocation: Invocation, snapshot: FunctionSnapshot) -> None:
        self.throttles += 1
        self._journal.append(throttle_record(invocation, snapshot, self._clock.now_ms()))

    def finish(self, run: Run) -> InvocationResult:
        outcome = run.outcome
        if outcome.kind is OutcomeKind.LOST:
            self.lose(run)
        limit_bytes = self._response_bytes
        if outcome.content_type and run.limit_bytes:
            limit_bytes = run.limit_bytes
        answer = answer_for(outcome, run.invocation.request_id, run.snapshot.timeout_s, limit_bytes)
        result = self.write_down(run, answer)
        lease = run.lease
        assert lease.pool is not None
        lease.pool.took(duration_of(run))
        if lease.first:
            lease.used()
        return result

    def finish_init(self, run: Run) -> InvocationResult:
        """The init phase failed, and its error is the answer."""
        lease, init = run.lease, run.outcome
        lease.spent_us = 0
        if init.kind is OutcomeKind.LOST:
            self.lose(run)
        if lease.init_status:  # the second try, which is a part of the invocation
            outcome = init
        else:
            lease.init_status = "error"
            outcome = Outcome(init.kind, 0, init.payload, init.error_type, init.exit)
        if init.kind is OutcomeKind.TIMEOUT:
            answer = answer_for(init, run.invocation.request_id, run.snapshot.timeout_s, 0)
        else:
            answer = init_answer_for(init, run.invocation.request_id)
        return self.write_down(Run(run.invocation, run.snapshot, lease, run.start_ms, outcome), answer)

    def lose(self, run: Run) -> NoReturn:
        """The platform lost the environment; what it said until then is kept."""
        self.write_down(run, Answer(b"", "", "failure", "ServiceException", named=True))
        raise ServiceFailed("The execution environment was lost; try again.")

    def write_down(self, run: Run, answer: Answer) -> InvocationResult:
        self.invocations += 1
        record = record_of(run, answer)
        environment = run.lease.environment
        if environment.patience_s:
            facts = msgspec.structs.replace(record, lines=[])
            environment.on_last_lines(lambda lines: self._journal.append(shutdown_record(facts, lines)))
        if environment.settling:  # what is written down is the whole invocation
            environment.on_settled(lambda end: self._journal.append(settled_record(record, run, end)))
        else:
            self._journal.append(record)
        return InvocationResult(
            run.snapshot.version,
            answer.payload,
            answer.function_error,
            tail_of(self._render(record)) if run.invocation.tail else b"",
            answer.status,
            answer.error_type,
            record.duration_us,
            record.start,
            run.outcome.content_type,
        )
