"""Functions from container images: from a file that the operator imported, and from a registry.

Source: Lambda Developer Guide, "Create a Lambda function using a container image"; Lambda service model (ImageConfig,
FunctionCode, StateReasonCode); behaviours sections 4 to 6 and 13.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.images import registry
from tests.images.functions import Images
from tests.images.layouts import Layout, entry, folder, link
from tests.images.python_root import client_layer, executable

if TYPE_CHECKING:
    from tests.acceptance.conftest import Platform

HANDLER = """
import os, sys
print("loaded", sys.argv[1:])
def handler(event, context):
    scope = {"context": context}
    exec(event.get("code", "result = None"), scope)
    print("handled", context.aws_request_id)
    return scope["result"]
def other(event, context):
    return {"other": os.getcwd(), "greeting": os.environ["GREETING"]}
"""
EXTENSION = """#!/usr/local/bin/python -S
import http.client, json, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def ask(method, path, headers, body=None):
    api.request(method, "/2020-01-01/extension/" + path, body, headers)
    answer = api.getresponse()
    return dict((k.lower(), v) for k, v in answer.getheaders()), json.loads(answer.read() or b"{}")
found, _ = ask("POST", "register", {"Lambda-Extension-Name": "watch"}, json.dumps({"events": ["INVOKE"]}))
me = {"Lambda-Extension-Identifier": found["lambda-extension-identifier"]}
while True:
    _, event = ask("GET", "event/next", me)
    print("the extension saw", event["eventType"], flush=True)
"""


@pytest.fixture(scope="module")
def images(platform: "Platform") -> Images:
    return Images(platform)


@pytest.fixture(scope="module")
def python_image(images: Images) -> Layout:
    """AWS's own runtime interface client in an image of this host's Python, with an extension and things to find."""
    extras = [
        entry("opt/extensions/watch", EXTENSION, 0o755),
        entry("root/private", "secret of the image's root", 0o600),
        entry("app/set-uid", b"x", 0o6755),
        link("app/way-out", "../../../../../../etc/shadow"),
        folder("app/data"),
    ]
    return images.layout(
        images.python,
        client_layer(HANDLER),
        extras,
        Entrypoint=[executable(), "-m", "awslambdaric"],
        Cmd=["app.handler"],
        WorkingDir="/app",
        Env=["GREETING=of the image", "PATH=/usr/local/bin:/usr/bin", "PYTHONPATH=/app"],
    )


@pytest.fixture(scope="module")
def python_function(images: Images, python_image: Layout) -> str:
    return images.create(images.import_(python_image), Environment={"Variables": {"OWN": "1"}}, MemorySize=512)


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A static program that speaks the Runtime API: an image needs nothing else."""
    if shutil.which("gcc") is None:
        pytest.skip("no C compiler is here: apt-get install gcc")
    place, source = tmp_path_factory.mktemp("echo") / "echo", Path(__file__).parent / "bootstrap.c"
    subprocess.run(["gcc", "-O1", "-w", "-D_GNU_SOURCE", "-static", "-o", place, source], check=True)
    return place.read_bytes()


def test_the_published_client_runs_in_an_image_and_the_function_is_as_lambda_tells_it(
    images: Images, python_image: Layout, python_function: str, platform: "Platform"
) -> None:
    told = platform.client("lambda").get_function(FunctionName=python_function)
    digest = python_image.digest.removeprefix("sha256:")
    configuration, code = told["Configuration"], told["Code"]
    assert (configuration["PackageType"], configuration["CodeSize"], configuration["CodeSha256"]) == (
        "Image",
        0,
        digest,
    )
    assert not {"Runtime", "Handler", "Layers", "ImageConfigResponse"} & set(configuration)
    assert code["RepositoryType"] == "ECR"
    assert code["ImageUri"].startswith("localhost/test/")
    assert code["ResolvedImageUri"] == f"{code['ImageUri'].removesuffix(':1')}@sha256:{digest}"
    code = "import os, sys; result = [os.getcwd(), sys.argv[1:], os.getuid() != 0, context.function_name]"
    found = images.invoke(python_function, {"code": code})
    assert found == ["/app", ["app.handler"], True, python_function]


def test_variables_are_the_images_under_the_functions_own_under_lambdas(images: Images, python_function: str) -> None:
    found = images.invoke(python_function, {"code": "import os; result = dict(os.environ)"})
    assert found["GREETING"] == "of the image"
    assert found["OWN"] == "1"
    assert found["PATH"] == "/usr/local/bin:/usr/bin"
    assert found["AWS_LAMBDA_FUNCTION_NAME"] == python_function
    assert found["LAMBDA_TASK_ROOT"] == "/var/task"
    assert re.fullmatch(r"127\.0\.0\.1:\d+", found["AWS_LAMBDA_RUNTIME_API"])
    assert not {"_HANDLER", "LD_LIBRARY_PATH"} & set(found)


def test_the_image_is_all_there_is_and_only_tmp_can_be_written(
    images: Images, python_function: str, platform: "Platform"
) -> None:
    code = """
import os
PATHS = "/x", "/app/x", "/app/app.py", "/etc/hosts", "/opt/x", "/dev/x"
def error(work):
    try:
        work()
        return 0
    except OSError as failure:
        return failure.errno
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
result = {
    "root": sorted(os.listdir("/")),
    "mounts": sorted(line.split()[4] for line in open("/proc/self/mountinfo")),
    "init": error(lambda: os.listdir("/proc/1/root")),
    "write": [error(lambda: open(path, "w")) for path in PATHS],
    "tmp": error(lambda: open("/tmp/x", "w")),
    "private": error(lambda: open("/root/private")),
    "out": error(lambda: open("/app/way-out")),
    "mode": oct(os.stat("/app/set-uid").st_mode & 0o7777),
    "rights": [status[name].strip() for name in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")],
    "mount": error(lambda: os.chroot("/app")),
    "devices": sorted(name for name in os.listdir("/dev")),
}
"""
    found = images.invoke(python_function, {"code": code})
    host = {"boot", "srv", "media", ".lambent", "work"}
    assert {"app", "dev", "etc", "mnt", "opt", "proc", "root", "sys", "tmp", "usr"} <= set(found["root"])
    assert not host & set(found["root"])
    allowed = re.compile(r"/|/dev|/tmp|/proc|/proc/.*|/etc/hosts|/etc/resolv\.conf|/dev/(null|zero|full|u?random)")
    assert [place for place in found["mounts"] if not allowed.fullmatch(place)] == []
    assert found["mounts"].count("/") == 1
    assert found["init"] in (1, 2, 13)
    assert all(number in (13, 30) for number in found["write"]), found["write"]
    assert found["tmp"] == 0
    assert found["private"] == (13 if platform.landlord.has_ids else 0)  # without ids, all files are its own user's
    assert found["out"] == 2
    assert found["mode"] == "0o755"
    assert [int(each, 16) for each in found["rights"][:2]] == [0, 0]
    assert found["rights"][2:] == ["1", "2"]
    assert found["mount"] == 1
    assert found["devices"] == sorted(["fd", "full", "null", "random", "stderr", "stdin", "stdout", "urandom", "zero"])


def test_an_extension_of_the_image_runs_beside_it_and_both_are_in_the_log(
    images: Images, python_function: str, platform: "Platform", eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    images.invoke(python_function, {"code": "result = 1"})

    def lines() -> list[str]:
        found = platform.logged(python_function)
        seen = any("the extension saw INVOKE" in line for line in found)
        return found if seen and any(line.startswith("REPORT") for line in found) else []

    found = eventually(lines)
    assert any("loaded ['app.handler']" in line for line in found)
    assert not any(line.startswith("INIT_START") for line in found)


def test_entry_point_command_and_working_directory_are_overridden_and_come_back(
    images: Images, python_function: str, platform: "Platform"
) -> None:
    lambda_ = platform.client("lambda")
    wanted = {"Command": ["app.other"], "WorkingDirectory": "/app/data"}
    lambda_.update_function_configuration(FunctionName=python_function, ImageConfig=wanted)
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=python_function, WaiterConfig={"Delay": 1})
    told = lambda_.get_function_configuration(FunctionName=python_function)
    assert told["ImageConfigResponse"] == {"ImageConfig": wanted}
    assert images.invoke(python_function) == {"other": "/app/data", "greeting": "of the image"}
    lambda_.update_function_configuration(FunctionName=python_function, ImageConfig={})
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=python_function, WaiterConfig={"Delay": 1})
    assert images.invoke(python_function, {"code": "import os; result = os.getcwd()"}) == "/app"


@pytest.mark.parametrize(
    ("config", "kind", "words"),
    [
        ({"EntryPoint": ["/nowhere"]}, "Runtime.InvalidEntrypoint", "fork/exec /nowhere: no such file or directory"),
        ({"EntryPoint": ["echoes"]}, "Runtime.InvalidEntrypoint", "fork/exec echoes: no such file or directory"),
        ({"WorkingDirectory": "/nowhere"}, "Runtime.InvalidWorkingDir", "chdir /nowhere: no such file or directory"),
        ({"EntryPoint": ["/etc"]}, "Runtime.InvalidEntrypoint", "fork/exec /etc: permission denied"),
    ],
    ids=["no program", "not on the path", "no folder", "a folder"],
)
def test_what_cannot_be_started_says_so(
    images: Images, echo: bytes, config: dict[str, Any], kind: str, words: str
) -> None:
    uri = images.import_(images.layout([entry("echo", echo, 0o755)], Entrypoint=["/echo"]))
    found = images.invoke(images.create(uri, ImageConfig=config))
    assert (found["failed"], found["errorType"]) == ("Unhandled", kind)
    assert words in found["errorMessage"]


def test_an_image_with_nothing_but_a_program_is_found_along_the_path(images: Images, echo: bytes) -> None:
    made = Layout(images.home / "bare").add([entry("bin/echo", echo, 0o755)], "zstd").finish(Cmd=["echo"], index=True)
    name = images.create(images.import_(made))
    assert images.invoke(name, {"a": 1}) == {"a": 1}
    assert images.platform.aws("lambda", "get-function", "--function-name", name)["Code"]["RepositoryType"] == "ECR"


@pytest.fixture(scope="module")
def hub(platform: "Platform", tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry.running(tmp_path_factory.mktemp("registry"), platform.registry_port) as host:
        yield host


def test_an_image_from_a_registry_is_updated_and_published(images: Images, hub: str, echo: bytes) -> None:
    lambda_, program = images.platform.client("lambda"), [entry("echo", echo, 0o755)]
    first, second = (images.layout(program, [entry("n", str(n))], Entrypoint=["/echo"]) for n in (1, 2))
    registry.push(hub, "team/echo", "live", first)
    name = images.create(f"{hub}/team/echo:live", Publish=True)
    assert images.invoke(name, {"n": 1}) == {"n": 1}
    registry.push(hub, "team/echo", "live", second)
    assert lambda_.get_function(FunctionName=name)["Configuration"]["CodeSha256"] == first.digest[7:]
    told = lambda_.update_function_code(FunctionName=name, ImageUri=f"{hub}/team/echo:live", Publish=True)
    assert (told["Version"], told["CodeSha256"]) == ("2", second.digest[7:])
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    lambda_.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="2", WaiterConfig={"Delay": 1})
    resolved = lambda_.get_function(FunctionName=name)["Code"]["ResolvedImageUri"]
    assert resolved == f"{hub}/team/echo@{second.digest}"
    assert lambda_.get_function(FunctionName=name, Qualifier="1")["Configuration"]["CodeSha256"] == first.digest[7:]
    for qualifier in ("1", "2", "$LATEST"):
        answer = lambda_.invoke(FunctionName=name, Qualifier=qualifier, Payload=b"[3]")
        assert answer["Payload"].read() == b"[3]"


def test_an_update_that_cannot_be_pulled_leaves_what_was(images: Images, hub: str, echo: bytes) -> None:
    lambda_ = images.platform.client("lambda")
    good = images.layout([entry("echo", echo, 0o755)], Entrypoint=["/echo"])
    bad = images.layout([entry("echo", echo, 0o755)], [entry("../../out", "x")], Entrypoint=["/echo"])
    registry.push(hub, "team/bad", "1", good)
    registry.push(hub, "team/bad", "2", bad)
    name = images.create(f"{hub}/team/bad:1")
    lambda_.update_function_code(FunctionName=name, ImageUri=f"{hub}/team/bad:2")
    with pytest.raises(Exception, match="terminal failure"):
        lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    told = lambda_.get_function_configuration(FunctionName=name)
    assert (told["State"], told["LastUpdateStatus"]) == ("Active", "Failed")
    assert told["LastUpdateStatusReasonCode"] == "InvalidImage"
    assert "leads out of the image" in told["LastUpdateStatusReason"]
    assert told["CodeSha256"] == good.digest[7:]
    assert images.invoke(name, [1]) == [1]


@pytest.mark.parametrize(
    ("uri", "code", "words"),
    [
        ("{hub}/team/none:1", "InvalidParameterValueException", "does not exist. Provide a valid source image."),
        ("localhost/none:1", "InvalidParameterValueException", "does not exist. Provide a valid source image."),
        ("nonsense", "InvalidParameterValueException", "is not valid. Provide a valid source image."),
        ("registry.example/a:1", "AccessDeniedException", "--image-registry registry.example"),
    ],
)
def test_an_image_that_cannot_be_had_is_refused_and_leaves_nothing(
    images: Images, hub: str, uri: str, code: str, words: str
) -> None:
    before = len(images.platform.client("lambda").list_functions()["Functions"])
    with pytest.raises(ClientError, match=re.escape(words)) as caught:
        images.create(uri.format(hub=hub))
    assert caught.value.response["Error"]["Code"] == code
    assert len(images.platform.client("lambda").list_functions()["Functions"]) == before


def test_what_does_not_go_with_an_image_is_refused(images: Images, echo: bytes) -> None:
    uri = images.import_(images.layout([entry("echo", echo, 0o755)], Entrypoint=["/echo"]))
    for parameters, words in (
        ({"Runtime": "python3.11"}, "Please don't provide Handler or Runtime or Layer"),
        ({"Handler": "a.b"}, "Please don't provide Handler or Runtime or Layer"),
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, "SnapStart is not supported"),
        ({"Code": {"ZipFile": b"x"}}, "Please provide ImageUri"),
        ({"PackageType": "Zip", "Runtime": "python3.11", "Handler": "a.b"}, "Please don't provide ImageUri"),
    ):
        with pytest.raises(ClientError, match=words):
            images.create(uri, **parameters)
    nothing = images.import_(images.layout([entry("f", "x")]))
    with pytest.raises(ClientError, match="neither an entry point nor a command"):
        images.create(nothing)
