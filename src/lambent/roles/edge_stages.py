"""The list of stages that each request to an edge goes through, in order, connected to what they lead to."""

from collections.abc import Callable
from typing import NamedTuple

from lambent.clock import Clock
from lambent.config import Settings
from lambent.gateway.admission import Admission
from lambent.gateway.authentication import Authentication
from lambent.gateway.exchange import Stage
from lambent.gateway.forward import Forward
from lambent.gateway.invoke import Invoking
from lambent.gateway.invoke_streamed import InvokingStreamed
from lambent.gateway.links import OpenLinks
from lambent.gateway.platform import Answers, OpenPaths, SignedPaths
from lambent.gateway.urls.stage import FunctionUrls
from lambent.gateway.urls.stage import Rules as UrlRules
from lambent.ids import Ids
from lambent.invocation.data_plane import DataPlane
from lambent.invocation.streaming import Pace
from lambent.journal.writer import JournalWriter
from lambent.protocol.wires import wire_for
from lambent.roles.edge_links import ControlLink
from lambent.roles.edge_objects import object_stages
from lambent.roles.neighbours import Caches


class Serving(NamedTuple):
    """What the stages lead to; `missing` names the parts that cannot be reached now."""

    control: ControlLink
    data_plane: DataPlane
    journal: JournalWriter
    caches: Caches
    authentication: Authentication
    missing: Callable[[], list[str]]


def stages_of(to: Serving, settings: Settings, clock: Clock, ids: Ids) -> tuple[Stage, ...]:
    """Those before authentication, authentication, and those behind it."""
    control, apis, quotas = to.control, to.caches.apis, settings.quotas
    begin, pace = to.data_plane.begin, Pace(settings.stream_bytes_per_s)
    advance = control.advance if settings.dev_credentials else None
    answers = Answers(to.missing, control.metrics, control.download, control.status, advance)
    url_rules = UrlRules(quotas.sync_payload_bytes, quotas.streamed_response_bytes, pace, to.journal.append)
    write_event = wire_for("lambda").event_writer("InvokeWithResponseStream")
    admission = Admission(to.caches.snapshots.cached, to.data_plane.snapshot, apis.permits)
    objects = object_stages(control, to.caches.keys, settings, clock, ids)
    return (
        apis.stage,
        FunctionUrls(begin, to.caches.urls, to.authentication, clock, url_rules),
        OpenPaths(answers),
        OpenLinks(control.http),
        *objects.unsigned,
        objects.authenticated(to.authentication),
        Invoking(begin, control.enqueue, admission, quotas),
        InvokingStreamed(begin, admission, write_event, quotas, pace, clock),
        objects.signed,
        SignedPaths(answers),
        Forward(control.http),
    )
