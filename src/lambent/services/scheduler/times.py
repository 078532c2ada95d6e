"""When a schedule fires. Pure: plans and moments in, moments out.

Source: EventBridge Scheduler User Guide, "Schedule types" (a rate without a start date begins at once),
"Configuring flexible time windows", "Time zones"; that a start may be 5 minutes old when a schedule is made, and the
words, from error reports in public repositories.
"""

from msgspec import structs

from lambent.errors import ValidationError
from lambent.schedules.api import InvalidSchedule, Schedule, Zone, newest, parse_schedule, zone_named
from lambent.services.scheduler.model import Plan, Times

MINUTE_MS = 60_000
EARLIEST_START_MS = 5 * MINUTE_MS


def check_times(plan: Plan) -> None:
    """Raises ValidationError for an expression, a zone or dates that cannot be."""
    try:
        parse_schedule(plan.expression, any_unit=True)
    except InvalidSchedule as error:
        raise ValidationError(f"Invalid Schedule Expression {plan.expression}: {error.reason}.") from None
    try:
        zone_named(plan.zone)
    except InvalidSchedule:
        raise ValidationError(f"Invalid ScheduleExpressionTimezone {plan.zone}.") from None
    if plan.start_ms is not None and plan.end_ms is not None and plan.start_ms >= plan.end_ms:
        raise ValidationError("The StartDate you specify must be earlier than the EndDate.")


def check_start(plan: Plan, now_ms: int) -> None:
    """Raises ValidationError for what repeats and is made now, from a start that is past."""
    if plan.start_ms is None or plan.expression.startswith("at("):
        return
    if plan.start_ms < now_ms - EARLIEST_START_MS:
        raise ValidationError("The StartDate you specify cannot be earlier than 5 minutes ago.")


def first_times(plan: Plan, now_ms: int, fraction: float) -> Times:
    """Where a schedule stands that is made or changed now; `fraction` is random, for the window."""
    anchor_ms = now_ms if plan.start_ms is None else plan.start_ms
    times = Times(anchor_ms)
    if plan.state != "ENABLED":
        return times
    return _following(plan, times, max(now_ms, anchor_ms) - 1, fraction)


def fire(plan: Plan, times: Times, now_ms: int, fraction: float) -> tuple[int, Times]:
    """The newest moment that is due, and where the schedule stands behind it."""
    schedule, zone = _parsed(plan)
    assert times.moment_ms is not None
    until_ms = now_ms if plan.end_ms is None else min(now_ms, plan.end_ms)
    moment_ms = newest(schedule, times.moment_ms, max(until_ms, times.moment_ms), times.anchor_ms, zone)
    return moment_ms, _at(plan, times, _next(plan, times, schedule, zone, max(moment_ms, now_ms)), fraction)


def _following(plan: Plan, times: Times, after_ms: int, fraction: float) -> Times:
    schedule, zone = _parsed(plan)
    return _at(plan, times, _next(plan, times, schedule, zone, after_ms), fraction)


def _next(plan: Plan, times: Times, schedule: Schedule, zone: Zone, after_ms: int) -> int | None:
    moment_ms = schedule.next_after(after_ms, times.anchor_ms, zone)
    if moment_ms is None or (plan.end_ms is not None and moment_ms > plan.end_ms):
        return None
    return moment_ms


def _at(plan: Plan, times: Times, moment_ms: int | None, fraction: float) -> Times:
    if moment_ms is None:
        return structs.replace(times, moment_ms=None, due_ms=None)
    wait_ms = int(plan.window_min * MINUTE_MS * fraction)
    return structs.replace(times, moment_ms=moment_ms, due_ms=moment_ms + wait_ms)


def _parsed(plan: Plan) -> tuple[Schedule, Zone]:
    return parse_schedule(plan.expression, any_unit=True), zone_named(plan.zone)
