"""Languages other than Python: found, chosen, and how their processes start."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.sandbox.base_root import GuestRoot, plan
from lambent.sandbox.interpreters import Interpreter
from lambent.sandbox.languages.dotnet import DotNet
from lambent.sandbox.languages.java import Java, heap_mb
from lambent.sandbox.languages.language import Installation, nearest, number_of
from lambent.sandbox.languages.nodejs import NodeJs
from lambent.sandbox.languages.ruby import Ruby
from lambent.sandbox.launch import Host, every_runtime, launch_of, missing

PYTHON = Interpreter((3, 12, 1), "/p/bin/python3.12", "/p", "/p/lib/python3.12")


def installed(*majors: int) -> dict[str, Installation]:
    return {
        f"nodejs{major}.x": Installation(f"nodejs{major}.x", (major, 1, 0), "/n/bin/node", "/n") for major in majors
    }


def host(*majors: int) -> Host:
    return Host({"python3.12": PYTHON}, installed(*majors))


def pretend_node(folder: Path, version: str, known: str = "") -> Path:
    """A program that says what `node` would say; `known`: what it knows of the words that it is asked for."""
    folder.mkdir(parents=True)
    program = folder / "node"
    program.write_text(f'#!/bin/sh\necho \'["{version}", "{program}", [{known}]]\'\n')
    program.chmod(0o755)
    return program


def test_every_version_of_a_version_manager_is_found_and_the_newest_of_each_is_taken(tmp_path: Path) -> None:
    for version in ("v20.1.0", "v20.11.0", "v22.3.0", "v18.0.0"):
        pretend_node(tmp_path / "versions/node" / version / "bin", version[1:])
    found = NodeJs().find({"HOME": str(tmp_path), "NVM_DIR": str(tmp_path), "PATH": ""})
    assert found["nodejs20.x"].version == (20, 11, 0)
    assert found["nodejs22.x"].prefix == str(tmp_path / "versions/node/v22.3.0")
    assert "nodejs18.x" not in found


def test_a_program_that_says_nonsense_is_no_node(tmp_path: Path) -> None:
    program = pretend_node(tmp_path / "bin", "x")
    program.write_text("#!/bin/sh\necho hello\n")
    found = NodeJs().find({"HOME": str(tmp_path), "PATH": str(tmp_path / "bin")})
    assert str(tmp_path) not in {each.prefix for each in found.values()}


@pytest.mark.parametrize(
    ("version", "known", "off"),
    [
        ("20.20.2", '"experimental-require-module", "experimental-detect-module"', ["require"]),
        ("22.14.0", '"experimental-require-module", "experimental-detect-module"', ["require", "detect"]),
        ("24.1.0", '"experimental-require-module"', ["require"]),
        ("20.1.0", "", []),
    ],
)
def test_what_aws_switches_off_is_switched_off_where_node_knows_it(
    tmp_path: Path, version: str, known: str, off: list[str]
) -> None:
    """Source: Lambda Developer Guide, "Building Lambda functions with Node.js", experimental features."""
    pretend_node(tmp_path / f"versions/node/v{version}/bin", version, known)
    found = NodeJs().find({"HOME": str(tmp_path), "NVM_DIR": str(tmp_path), "PATH": ""})
    assert found[f"nodejs{version[:2]}.x"].arguments == tuple(f"--no-experimental-{each}-module" for each in off)


@pytest.mark.parametrize(
    ("options", "on"),
    [
        ("", []),
        ("--experimental-require-module", ["--experimental-require-module"]),
        ("--no-warnings  --experimental-detect-module --trace-gc", ["--experimental-detect-module"]),
        ("--experimental-require-module=no --require ./experimental-detect-module", []),
    ],
)
def test_node_options_switch_it_on_again(options: str, on: list[str]) -> None:
    command = NodeJs().command("/var/lang/bin/node", "/var/runtime", 128, {"NODE_OPTIONS": options})
    assert [each for each in command if "experimental" in each] == on


@pytest.mark.parametrize(("memory_mb", "old_mb", "young_mb"), [(128, 115, 6), (1769, 1592, 88), (10240, 9216, 512)])
def test_the_heap_is_nine_tenths_of_the_functions_memory(memory_mb: int, old_mb: int, young_mb: int) -> None:
    command = NodeJs().command("/var/lang/bin/node", "/var/runtime", memory_mb, {})
    assert f"--max-old-space-size={old_mb}" in command
    assert f"--max-semi-space-size={young_mb}" in command


@pytest.mark.parametrize(
    "name", ["NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "LD_PRELOAD", "LC_ALL", "AWS_LAMBDA_EXEC_WRAPPER"]
)
def test_a_variable_that_is_read_at_the_start_wants_a_process_of_its_own(name: str) -> None:
    assert NodeJs.at_start.fullmatch(name)


@pytest.mark.parametrize("name", ["NODE_ENV", "NODE_PATH", "TZ", "TABLE", "LANGUAGES", "MY_NODE_OPTIONS"])
def test_other_variables_are_taken_by_a_process_that_waits(name: str) -> None:
    assert not NodeJs.at_start.fullmatch(name)


def test_a_runtime_without_its_interpreter_is_refused_with_what_to_install() -> None:
    told = missing("nodejs24.x", host(20), fallback=False)
    assert told is not None
    assert "nvm install 24" in told
    assert "--runtime-fallback" in told
    assert missing("nodejs20.x", host(20), fallback=False) is None


def test_a_fallback_is_the_nearest_version_of_the_same_language() -> None:
    launch = launch_of("nodejs24.x", host(20, 22), fallback=True)
    assert launch is not None
    assert launch.guest is not None
    assert launch.guest.installation.runtime == "nodejs22.x"
    assert launch_of("nodejs24.x", host(), fallback=True) is None
    assert launch_of("ruby3.3", host(20), fallback=True) is None


def test_without_a_python_nothing_can_begin() -> None:
    assert missing("nodejs20.x", Host({}, installed(20)), fallback=True) is not None
    assert Host({}, installed(20)).runtimes == []


def test_every_identifier_is_one_of_awss() -> None:
    from lambent.services.lambda_.runtimes import SUPPORTED

    assert set(every_runtime()) <= set(SUPPORTED)


@given(st.text(max_size=30))
@settings(max_examples=50)
def test_any_text_has_a_number_or_none(text: str) -> None:
    assert all(part >= 0 for part in number_of(text))
    nearest(text, installed(20, 22).values())


def pretend_ruby(prefix: Path, version: str, engine: str = "ruby", gems: str = "") -> Path:
    """A program that says what `ruby` would say."""
    (prefix / "bin").mkdir(parents=True)
    program = prefix / "bin/ruby"
    program.write_text(f"""#!/bin/sh\necho '["{engine}", "{version}", "{program}", "{prefix}", "{gems}"]'\n""")
    program.chmod(0o755)
    return program


def test_rubies_are_found_and_each_has_its_own_place_in_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / "gems").mkdir()
    for version in ("3.3.1", "3.3.10", "3.4.0", "3.0.0"):
        pretend_ruby(tmp_path / "versions" / version, version, gems=str(tmp_path / "gems"))
    pretend_ruby(tmp_path / "versions/jruby", "3.2.0", engine="jruby")
    found = Ruby().find({"HOME": str(tmp_path), "RBENV_ROOT": str(tmp_path), "PATH": ""})
    assert found["ruby3.3"].version == (3, 3, 10)
    prefix, gems = str(tmp_path / "versions/3.4.0"), str(tmp_path / "gems")
    assert found["ruby3.4"].binds == ((prefix, prefix), (gems, gems))
    assert not {"ruby3.0", "ruby3.2"} & found.keys()


@pytest.mark.parametrize("name", ["RUBYOPT", "RUBY_GC_HEAP_INIT_SLOTS", "RUBY_YJIT_ENABLE", "LC_ALL"])
def test_a_variable_that_ruby_reads_at_its_start_wants_a_process_of_its_own(name: str) -> None:
    assert Ruby.at_start.fullmatch(name)


@pytest.mark.parametrize("name", ["RUBYLIB", "GEM_PATH", "RUBYGEMS_GEMDEPS", "BUNDLE_GEMFILE", "TZ", "MY_RUBYOPT"])
def test_search_paths_of_ruby_are_taken_by_a_process_that_waits(name: str) -> None:
    assert not Ruby.at_start.fullmatch(name)


def test_a_language_that_is_at_home_in_usr_local_is_seen_there_in_spite_of_the_mask() -> None:
    guest = GuestRoot("/usr/local", "/data/ruby", (("/usr/local", "/usr/local"),))
    steps = plan(PYTHON, Path("/code"), Path("/runtime"), host_root=True, guest=guest)
    assert steps.index(["mask", "/usr/local"]) < steps.index(["bind", "/usr/local", "/usr/local"])


def pretend_dotnet(root: Path, *versions: str) -> None:
    for version in versions:
        folder = root / "shared/Microsoft.NETCore.App" / version
        folder.mkdir(parents=True)
        (folder / "libcoreclr.so").touch()
    (root / "dotnet").touch(0o755)


def test_each_version_beside_one_dotnet_is_found_and_named_to_it(tmp_path: Path) -> None:
    pretend_dotnet(tmp_path, "8.0.9", "8.0.11", "10.0.0", "10.0.0-rc.2", "2.1.30", "NuGet")
    found = DotNet().find({"DOTNET_ROOT": str(tmp_path), "HOME": "/nonexistent"})
    assert [each for each, one in found.items() if one.prefix == str(tmp_path)] == ["dotnet8", "dotnet10"]
    assert found["dotnet8"].arguments == ("exec", "--fx-version", "8.0.11")


def test_a_dotnet_process_knows_its_memory_and_makes_no_double_mapped_pages() -> None:
    knobs = DotNet().knobs(1000)
    assert knobs["DOTNET_GCHeapHardLimit"] == f"{800 * 1024 * 1024:x}"
    assert knobs["DOTNET_EnableWriteXorExecute"] == "0"


@pytest.mark.parametrize(
    ("handler", "assembly", "binary"),
    [("Hello", "/t/Hello.dll", "/t/Hello"), ("Hello.dll", "/t/Hello.dll", "/t/Hello.dll")],
)
def test_a_handler_without_a_colon_is_an_assembly_or_else_a_binary(handler: str, assembly: str, binary: str) -> None:
    """Source: the open bootstrap of AWS's .NET runtimes."""
    programs = DotNet().programs(("/var/lang/dotnet", "exec"), "/t", handler)
    assert programs is not None
    assert [(each.file, each.command) for each in programs.choices] == [
        (assembly, ("/var/lang/dotnet", "exec", assembly)),
        (binary, (binary,)),
    ]
    assert (programs.missing, programs.status) == (
        f"Error: executable assembly {assembly} or binary {binary} not found.",
        104,
    )


def test_a_method_of_a_library_is_no_program() -> None:
    assert DotNet().programs(("dotnet",), "/t", "Hello::Hello.Function::Handle") is None


@pytest.mark.parametrize(
    ("name", "early"), [("DOTNET_TieredPGO", False), ("COMPlus_TC", False), ("LD_PRELOAD", False), ("TABLE", True)]
)
def test_what_dotnet_reads_at_its_start(name: str, early: bool) -> None:
    assert (DotNet.at_start.fullmatch(name) is None) == early


def test_the_bootstrap_uses_nothing_but_the_standard_library() -> None:
    import lambent

    folder = Path(os.path.dirname(lambent.__file__)) / "runtimes/nodejs"
    for source in folder.glob("*.js"):
        for line in source.read_text().splitlines():
            if "require('" in line and "= require" in line:
                named = line.split("require('")[1].split("'")[0]
                assert named.startswith(("node:", "./")), (source.name, named)


def pretend_java(home: Path, version: str, *programs: str) -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    for name in programs:
        (home / "bin" / name).write_text("#!/bin/sh\n")
        (home / "bin" / name).chmod(0o755)
    return home


def test_a_jre_is_served_where_a_jdk_is_beside_it(tmp_path: Path) -> None:
    candidates = tmp_path / ".sdkman/candidates/java"
    jre = pretend_java(candidates / "11.0.2-tem", "11.0.2", "java")
    jdk = pretend_java(tmp_path / "jdk", "11.0.1", "java", "javac")
    pretend_java(candidates / "8.0.1-tem", "8.0.1", "java")
    found = Java().find({"HOME": str(tmp_path), "JAVA_HOME": str(jdk), "PATH": ""})
    assert found["java11"].prefix == str(jdk)  # JAVA_HOME comes first
    assert found["java11.al2023"] is found["java11"]
    assert found["java11"].compiler == str(jdk / "bin/javac")
    assert "java8" not in found
    (jdk / "bin/java").unlink()
    found = Java().find({"HOME": str(tmp_path), "JAVA_HOME": str(jdk), "PATH": ""})
    assert (found["java11"].prefix, found["java11"].compiler) == (str(jre), str(jdk / "bin/javac"))


@pytest.mark.parametrize(("memory_mb", "heap"), [(128, 64), (256, 192), (512, 435), (1769, 1503), (10240, 8704)])
def test_the_heap_of_java_leaves_room_beside_it(memory_mb: int, heap: int) -> None:
    assert heap_mb(memory_mb) == heap
    assert f"-Xmx{heap}m" in Java().command("java", "/var/runtime", memory_mb, {})


@pytest.mark.parametrize(
    ("variables", "left_out", "kept"),
    [
        ({}, (), ("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8")),
        ({"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=4"}, ("-XX:TieredStopAtLevel=1",), ("-Xmx192m",)),
        ({"JDK_JAVA_OPTIONS": "-Da=b -Xmx100m"}, ("-Xmx192m",), ("-XX:+UseSerialGC",)),
        ({"JAVA_TOOL_OPTIONS": "-XX:MaxRAMPercentage=50"}, ("-Xmx192m",), ("-XX:MaxRAM=256m",)),
        ({"JAVA_TOOL_OPTIONS": "-XX:+UseParallelGC"}, ("-XX:+UseSerialGC",), ("-Xmx192m",)),
        ({"JAVA_TOOL_OPTIONS": "-Dfile.encoding=ISO-8859-1"}, ("-Dfile.encoding=UTF-8",), ()),
        ({"JAVA_TOOL_OPTIONS": "-Duser.language=de"}, ("-Duser.country=US",), ("-Dfile.encoding=UTF-8",)),
        ({"LANG": "en_US.UTF-8", "JAVA_TOOL_OPTIONS": "-Da=b"}, (), ("-Dfile.encoding=UTF-8",)),
        ({"LC_ALL": "C"}, ("-Dfile.encoding=UTF-8", "-Duser.country=US"), ("-Xmx192m",)),
    ],
)
def test_what_a_function_says_to_its_virtual_machine_counts_more_than_our_defaults(
    variables: dict[str, str], left_out: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    """Source: Lambda Developer Guide, "Customize Java runtime startup behavior" (level 4 by JAVA_TOOL_OPTIONS)."""
    command = Java().command("java", "/var/runtime", 256, variables)
    assert not set(left_out) & set(command)
    assert set(kept) <= set(command)


def test_places_for_variables_are_more_than_a_function_may_have() -> None:
    at_boot = Java.at_boot
    assert len(at_boot) > 4096 // 2
    assert sum(len(name) + len(value) + 2 for name, value in at_boot.items()) > 4096 + 2 * 2048 + 8192


def test_java_8_is_not_served_whatever_is_installed() -> None:
    told = missing("java8.al2", host(20), fallback=False)
    assert told is not None
    assert "java8.al2 is not served by this version" in told
