"""Layers in running functions: merged under /opt in order, found by Python, by the shell and by the linker.

Source: Lambda Developer Guide, "Working with Lambda layers" and "Packaging your layer content".
"""

import io
import json
import shutil
import subprocess
import urllib.request
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

LOOKS = """
import ctypes, os, subprocess, sys
import shared
try:
    import deep
except ImportError:
    deep = None

def handler(event, context):
    answer = {"who": shared.WHO, "deep": deep and deep.HERE, "opt": sorted(os.listdir("/opt"))}
    if "tool" in event:
        answer["tool"] = subprocess.run(["tool"], capture_output=True, text=True).stdout
    if "library" in event:
        answer["library"] = ctypes.CDLL("liblayer.so").answer()
    try:
        open("/opt/new", "w")
    except OSError as error:
        answer["write"] = type(error).__name__
    return answer
"""


def layer(lambda_: Any, files: dict[str, str | bytes], executable: bool = False) -> str:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (0o755 if executable else 0o644) << 16
            archive.writestr(entry, content)
    name = f"layer-{uuid.uuid4().hex[:8]}"
    made = lambda_.publish_layer_version(LayerName=name, Content={"ZipFile": buffer.getvalue()})
    return str(made["LayerVersionArn"])


def run(lambda_: Any, name: str, **event: Any) -> Any:
    answer = lambda_.invoke(FunctionName=name, Payload=json.dumps(event))
    told = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, told
    return told


def test_layers_are_merged_in_order_and_the_last_wins(platform: "Platform") -> None:
    lambda_ = platform.client("lambda")
    first = layer(lambda_, {"python/shared.py": "WHO = 1", "one.txt": "1"})
    second = layer(lambda_, {"python/shared.py": "WHO = 2", "python/lib/python3.11/site-packages/deep.py": "HERE = 1"})
    tool = layer(lambda_, {"bin/tool": "#!/bin/sh\necho from a layer\n"}, executable=True)
    name = platform.create(LOOKS, Layers=[first, second, tool])
    told = run(lambda_, name, tool=True)
    assert told == {
        "who": 2,
        "deep": 1,
        "opt": ["bin", "one.txt", "python"],
        "tool": "from a layer\n",
        "write": "OSError",
    }
    lambda_.update_function_configuration(FunctionName=name, Layers=[first])
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert run(lambda_, name)["who"] == 1
    lambda_.update_function_configuration(FunctionName=name, Layers=[second, first])
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert run(lambda_, name)["who"] == 1


def test_two_layers_of_the_same_content_are_both_there(platform: "Platform") -> None:
    lambda_ = platform.client("lambda")
    same: dict[str, str | bytes] = {"python/shared.py": "WHO = 1", "one.txt": "1"}
    first, second, third = layer(lambda_, same), layer(lambda_, {"python/shared.py": "WHO = 2"}), layer(lambda_, same)
    assert run(lambda_, platform.create(LOOKS, Layers=[first, second, third]))["who"] == 1
    told = run(lambda_, platform.create(LOOKS, Layers=[first, third]))
    assert (told["who"], told["opt"]) == (1, ["one.txt", "python"])


def test_a_deleted_layer_goes_on_serving_the_functions_that_use_it(platform: "Platform") -> None:
    lambda_ = platform.client("lambda")
    arn = layer(lambda_, {"python/shared.py": "WHO = 'still here'"})
    name = platform.create(LOOKS, Layers=[arn])
    lambda_.delete_layer_version(LayerName=arn.rpartition(":")[0], VersionNumber=1)
    assert run(lambda_, name)["who"] == "still here"
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException, match="does not exist"):
        lambda_.update_function_configuration(FunctionName=name, Layers=[arn])


def test_a_native_library_in_a_layer_is_found_by_its_name(platform: "Platform", tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler: apt-get install gcc")
    (tmp_path / "layer.c").write_text("int answer(void) { return 42; }")
    library = tmp_path / "liblayer.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "layer.c"], check=True)
    lambda_ = platform.client("lambda")
    arn = layer(lambda_, {"lib/liblayer.so": library.read_bytes(), "python/shared.py": "WHO = 0"})
    assert run(lambda_, platform.create(LOOKS, Layers=[arn]), library=True)["library"] == 42


def test_the_command_line_publishes_lists_shares_and_downloads(
    platform: "Platform", tmp_path: Path, zipped: Any
) -> None:
    package, name = tmp_path / "layer.zip", f"cli-{uuid.uuid4().hex[:8]}"
    package.write_bytes(zipped({"python/shared.py": "WHO = 1"}))
    words = ("lambda", "publish-layer-version", "--layer-name", name, "--zip-file", f"fileb://{package}")
    for _ in range(3):
        made = platform.aws(*words, "--compatible-runtimes", "python3.11")
    assert made["Version"] == 3
    with urllib.request.urlopen(made["Content"]["Location"]) as answer:
        assert answer.read() == package.read_bytes()
    lambda_ = platform.client("lambda")
    pages = lambda_.get_paginator("list_layer_versions").paginate(LayerName=name, PaginationConfig={"PageSize": 2})
    assert [each["Version"] for page in pages for each in page["LayerVersions"]] == [3, 2, 1]
    listed = lambda_.get_paginator("list_layers").paginate(CompatibleRuntime="python3.11").search("Layers[].LayerName")
    assert name in list(listed)
    sharing = ("--layer-name", name, "--version-number", "3")
    words = ("--statement-id", "all", "--action", "lambda:GetLayerVersion", "--principal", "*")
    platform.aws("lambda", "add-layer-version-permission", *sharing, *words)
    policy = json.loads(platform.aws("lambda", "get-layer-version-policy", *sharing)["Policy"])
    assert policy["Statement"][0]["Principal"] == "*"
