"""OCI layouts for tests, made without an engine: layers from lists of entries, a configuration, a manifest."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

OCI = "application/vnd.oci.image"


def entry(name: str, content: bytes | str = b"", mode: int = 0o644, **more: Any) -> tuple[tarfile.TarInfo, bytes]:
    """One entry of a layer; `type` and `linkname` as in a TarInfo."""
    data = content.encode() if isinstance(content, str) else content
    info = tarfile.TarInfo(name)
    info.mode, info.size = mode, len(data)
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def folder(name: str, mode: int = 0o755) -> tuple[tarfile.TarInfo, bytes]:
    """A folder."""
    return entry(name, mode=mode, type=tarfile.DIRTYPE)


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    """A symbolic link."""
    return entry(name, type=tarfile.SYMTYPE, linkname=target)


def hard_link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    """A hard link."""
    return entry(name, type=tarfile.LNKTYPE, linkname=target)


def tar(entries: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """A layer as it is unpacked."""
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return memory.getvalue()


class Layout:
    """A folder that becomes an OCI layout with one image in it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        (place / "blobs" / "sha256").mkdir(parents=True)
        (place / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        self.layers: list[dict[str, Any]] = []
        self.diff_ids: list[str] = []
        self.digest = ""

    def blob(self, data: bytes) -> str:
        """Keep a blob; its digest."""
        name = hashlib.sha256(data).hexdigest()
        (self.place / "blobs" / "sha256" / name).write_bytes(data)
        return f"sha256:{name}"

    def add(self, entries: list[tuple[tarfile.TarInfo, bytes]] | bytes, packed: str = "gzip") -> "Layout":
        """One more layer."""
        data = entries if isinstance(entries, bytes) else tar(entries)
        self.diff_ids.append(f"sha256:{hashlib.sha256(data).hexdigest()}")
        ending = {"gzip": "+gzip", "zstd": "+zstd", "": ""}[packed]
        if packed == "gzip":
            data = gzip.compress(data, 1, mtime=0)
        if packed == "zstd":
            import zstandard

            data = zstandard.compress(data)
        self.layers.append({"mediaType": f"{OCI}.layer.v1.tar{ending}", "digest": self.blob(data), "size": len(data)})
        return self

    def finish(
        self, name: str = "app:1", *, architecture: str = "amd64", index: bool = False, **config: Any
    ) -> "Layout":
        """The configuration, the manifest and the list of images; with `index` behind an index of processors."""
        told = {
            "architecture": architecture,
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
        }
        configuration = json.dumps(told).encode()
        self.manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": {
                "mediaType": f"{OCI}.config.v1+json",
                "digest": self.blob(configuration),
                "size": len(configuration),
            },
            "layers": self.layers,
        }
        data = json.dumps(self.manifest).encode()
        self.digest = top = self.blob(data)
        kind = self.manifest["mediaType"]
        if index:
            of = {"mediaType": kind, "digest": top, "size": len(data)}
            platforms = [{**of, "platform": {"os": "linux", "architecture": architecture}}]
            data = json.dumps(
                {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": platforms}
            ).encode()
            top, kind = self.blob(data), f"{OCI}.index.v1+json"
        one = {"mediaType": kind, "digest": top, "size": len(data)}
        one["annotations"] = {"org.opencontainers.image.ref.name": name}
        (self.place / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [one]}))
        return self
