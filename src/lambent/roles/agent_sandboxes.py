"""What the settings come to for this node's sandboxes."""

from pathlib import Path

from lambent.clock import Clock
from lambent.config import Settings
from lambent.environment.variables import defaults_of
from lambent.ids import SystemIds
from lambent.sandbox import cgroups, delegation, scratch, seccomp
from lambent.sandbox.languages.table import LANGUAGES
from lambent.sandbox.launch import Host
from lambent.sandbox.node import NodeSandboxes, instance_name
from lambent.sandbox.options import GuestOptions, Limits, NodeOptions
from lambent.sandbox.runtime_folder import forget_unfinished, make_guest_folder, make_runtime_folder
from lambent.sandbox.user_namespace import Standing, is_host_root
from lambent.sandbox.watched_memory import MemoryWatcher, Processes

DEFAULT_PORT = 4566


def build_sandboxes(settings: Settings, standing: Standing, host: Host, clock: Clock) -> NodeSandboxes:
    """This node's sandboxes, as the settings want them."""
    walls = settings.isolation == "sandbox"
    data = settings.data.resolve()
    folders = {name: data / name for name in ("code", "runtime", "run")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    forget_unfinished(folders["runtime"])
    options = NodeOptions(
        code=folders["code"],
        runtime_folder=make_runtime_folder(folders["runtime"], SystemIds()),
        empty_folder=folders["run"],
        port=settings.port or DEFAULT_PORT,
        standing=standing,
        pool_least=settings.sandbox_pool,
        pool_most=settings.sandbox_pool_most if settings.sandbox_pool else 0,
        limits=Limits(settings.quotas.processes, settings.quotas.file_descriptors),
        walls=walls,
        fallback=settings.runtime_fallback,
        egress_allow=settings.egress_allow,
        file_systems=settings.file_systems,
        guests=_guests(settings, folders["runtime"]),
        preboot_mb=settings.preboot_mb,
        preboot_idle_s=settings.preboot_idle_s,
    )
    mkfs = scratch.find_mkfs()
    groups = _groups(settings, standing)
    return NodeSandboxes(
        options,
        host,
        clock,
        limits=groups or (MemoryWatcher(clock, Processes()) if walls else None),
        disks=scratch.ScratchDisks(data / "scratch", mkfs) if walls and mkfs and scratch.usable() else None,
        filters=seccomp.compile_filters(hidden_memory=groups is not None) if walls else [],
    )


def _guests(settings: Settings, parent: Path) -> dict[str, GuestOptions]:
    modules = {"nodejs": settings.nodejs_modules}
    found: dict[str, GuestOptions] = {}
    for language in LANGUAGES:
        folder, given = make_guest_folder(parent, language.name, SystemIds()), modules.get(language.name)
        found[language.name] = GuestOptions(
            folder, defaults_of(language.name), Path(given).resolve() if given else None
        )
    return found


def remove_groups(settings: Settings) -> None:
    """Take away the control groups of an agent that was killed, as soon as nothing lives in them."""
    standing = Standing(host_root=is_host_root(), first_uid=0, uids=0)
    groups = _groups(settings, standing)
    if groups is not None:
        groups.remove_all()


def _groups(settings: Settings, standing: Standing) -> cgroups.ControlGroups | None:
    if settings.isolation != "sandbox":
        return None
    instance, given = instance_name(settings.data), None if standing.host_root else delegation.given()
    if given is not None:
        return cgroups.ControlGroups(
            cgroups.V2, dict.fromkeys((*cgroups.CONTROLLERS, cgroups.FREEZER), given), instance
        )
    found = cgroups.find_mounts(cgroups.MOUNTS.read_text())
    if found is None or not cgroups.usable(*found, host_root=standing.host_root):
        return None
    dialect, mounts = found
    if not standing.host_root:  # the freezer is of version 2, whatever the others are
        mounts = {name: mounts[name] for name in cgroups.CONTROLLERS}
    return cgroups.ControlGroups(dialect, mounts, instance)
