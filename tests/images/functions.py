"""Functions made of images: what tests of a running server share."""

import json
import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tests.images.layouts import Layout
from tests.images.python_root import Entries, python_layer

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform


class Images:
    """Layouts, imported into a server, and functions of them."""

    def __init__(self, platform: "Platform") -> None:
        self.platform, self.home = platform, platform.server.data.parent / "layouts"
        self.home.mkdir(exist_ok=True)

    @cached_property
    def python(self) -> Entries:
        """The layer with a Python."""
        return python_layer()

    def layout(self, *layers: Any, **config: Any) -> Layout:
        made = Layout(self.home / uuid.uuid4().hex)
        for layer in layers:
            made.add(layer, "")  # packing a whole Python takes longer than all else
        return made.finish(**config)

    def import_(self, made: Layout, name: str = "") -> str:
        """Its ImageUri."""
        name = name or f"test/{uuid.uuid4().hex[:8]}:1"
        done = self.platform.operate(
            "image", "import", made.place, "--name", f"localhost/{name}", "--data", self.platform.server.data
        )
        assert done.returncode == 0, done.stderr
        assert f"sha256:{made.digest.removeprefix('sha256:')}" in done.stdout
        return f"localhost/{name}"

    def create(self, uri: str, *, wait: bool = True, **parameters: Any) -> str:
        name = f"test-{uuid.uuid4().hex[:12]}"
        lambda_ = self.platform.client("lambda")
        role = self.platform.role()
        lambda_.create_function(
            **{"FunctionName": name, "PackageType": "Image", "Code": {"ImageUri": uri}, "Role": role, "Timeout": 30}
            | parameters
        )
        if wait:
            lambda_.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return name

    def invoke(self, name: str, event: Any = None) -> Any:
        answer = self.platform.steady.invoke(FunctionName=name, Payload=json.dumps(event or {}))
        body = json.loads(answer["Payload"].read())
        return body if "FunctionError" not in answer else {"failed": answer["FunctionError"], **body}
