"""A container image of one program, as `docker save` writes it, brought into a server's data folder."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PROGRAM = "/bootstrap"


def imported(program: Path, variables: list[str], name: str, data: Path) -> str:
    """Its ImageUri; `variables` as NAME=value."""
    with tempfile.NamedTemporaryFile(suffix=".tar") as saved:
        saved.write(_saved(program.read_bytes(), variables))
        saved.flush()
        command = (Path(sys.executable).parent / "lambent", "image", "import", saved.name, "--name", name)
        subprocess.run([*command, "--data", data], check=True, stdout=subprocess.DEVNULL)
    return f"localhost/{name}"


def _saved(program: bytes, variables: list[str]) -> bytes:
    layer = _tar({PROGRAM.removeprefix("/"): program})
    config = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine],
        "os": "linux",
        "config": {"Entrypoint": [PROGRAM], "Env": variables},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    listed = [{"Config": "config.json", "RepoTags": ["bench:1"], "Layers": ["layer.tar"]}]
    texts = {"config.json": json.dumps(config).encode(), "manifest.json": json.dumps(listed).encode()}
    return _tar({"layer.tar": layer, **texts})


def _tar(files: dict[str, bytes]) -> bytes:
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            archive.addfile(info, io.BytesIO(data))
    return memory.getvalue()
