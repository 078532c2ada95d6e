"""One name, four ways: flag, variable, key, attribute."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from lambent.cli.errors import CommandError
from lambent.cli.flags import Flag, complaints, flags, misspelt, nested
from lambent.cli.serve import is_loopback, settings_from
from lambent.config import Quotas, Settings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_setting_has_a_flag_and_no_two_share_one() -> None:
    options = [flag.option for flag in flags()]
    assert len(options) == len(set(options)) == len(Settings.model_fields) - 1 + len(Quotas.model_fields)


def test_a_nested_setting_has_the_names_that_the_documentation_gives() -> None:
    flag = next(flag for flag in flags() if flag.path == ("quotas", "zip_bytes"))
    assert (flag.option, flag.variable, flag.key) == (
        "--quotas-zip-bytes",
        "LAMBENT_QUOTAS__ZIP_BYTES",
        "quotas.zip_bytes",
    )


@pytest.mark.parametrize("flag", list(flags()), ids=lambda flag: flag.key)
def test_each_variable_is_the_one_that_settings_read(flag: Flag, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(flag.variable, "no value of any setting")
    if flag.metavar in ("TEXT", "DIR") and flag.name not in ("account", "region"):
        value = Settings()
        for part in flag.path:
            value = getattr(value, part)
        assert "no value" in str(value)
    else:
        with pytest.raises(CommandError, match=flag.name if flag.metavar.endswith(",...") else flag.variable):
            settings_from({})


def test_what_was_not_given_is_left_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_PORT", "7000")
    monkeypatch.setenv("LAMBENT_QUOTAS__TAGS", "60")
    settings = settings_from({"port": None, "edges": "2", "quotas_layers": "7"})
    assert (settings.port, settings.edges, settings.quotas.tags, settings.quotas.layers) == (7000, 2, 60, 7)


def test_a_flag_wins_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "lambent.toml").write_text("port = 1\nedges = 2\nregion = 'eu-north-1'\n")
    monkeypatch.setenv("LAMBENT_PORT", "3")
    monkeypatch.setenv("LAMBENT_EDGES", "4")
    settings = settings_from({"port": "5"})
    assert (settings.port, settings.edges, settings.region) == (5, 4, "eu-north-1")


def test_a_list_is_written_with_commas() -> None:
    assert settings_from({"async_retry_delays_s": "1,2.5"}).async_retry_delays_s == (1.0, 2.5)
    assert nested({"async_retry_delays_s": ""}) == {"async_retry_delays_s": []}


def test_an_impossible_value_is_named_by_flag_and_variable() -> None:
    with pytest.raises(CommandError, match=r"--port \(LAMBENT_PORT\): .*65535, not '99999'"):
        settings_from({"port": "99999"})


def test_a_file_that_is_not_toml_is_explained(tmp_path: Path) -> None:
    (tmp_path / "lambent.toml").write_text("port = \n")
    with pytest.raises(CommandError, match="settings cannot be read"):
        settings_from({})


def test_an_unknown_key_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "lambent.toml").write_text("prot = 1\n")
    with pytest.raises(ValidationError) as raised:
        Settings()
    assert complaints(raised.value).startswith("prot in lambent.toml: ")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True)]
    + [("0.0.0.0", False), ("::", False), ("192.0.2.1", False), ("example.org", False)],
)
def test_the_well_known_key_is_refused_where_a_network_could_use_it(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    given = {"host": host, "dev_credentials": True}
    if loopback:
        assert settings_from(given).dev_credentials
    else:
        with pytest.raises(CommandError, match="--dev-credentials"):
            settings_from(given)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"host": ""}, r"--host \(LAMBENT_HOST\): an address to listen on"),
        ({"data": ""}, r"--data \(LAMBENT_DATA\): an empty name would be the working directory"),
        ({"region": "us east"}, r"--region .*such as eu-central-1"),
        ({"region": ""}, r"--region "),
        ({"drain_s": "inf"}, r"--drain-s "),
        ({"keep_alive_s": "nan"}, r"--keep-alive-s "),
        ({"clock_skew_s": "-1"}, r"--clock-skew-s "),
        ({"sandbox_uid_base": str(2**32 - 10)}, r"--sandbox-uid-base "),
        ({"quotas_timeout_s_max": "0"}, r"--quotas-timeout-s-max "),
        ({"quotas_topics": "-1"}, r"--quotas-topics "),
        ({"quotas_init_timeout_s": "0"}, r"--quotas-init-timeout-s "),
        ({"file_system": "foo"}, r"--file-system \(LAMBENT_FILE_SYSTEM\): not a file system: it is written NAME=PATH"),
        (
            {"metric_retention_days": "1"},
            r"^--metric-retention-days \(\S+\): takes more values than these, not \['1'\]$",
        ),
    ],
    ids=str,
)
def test_what_no_server_could_work_with_is_refused_with_words(given: dict[str, str], why: str) -> None:
    with pytest.raises(CommandError, match=why):
        settings_from(given)


def test_a_variable_that_looks_like_a_settings_is_named_with_that_one() -> None:
    given = ["LAMBENT_NODE_MEMORY_MB", "LAMBENT_NODE_MEMORYMB", "LAMBENT_COMPANY_SECRET", "AWS_REGION", "lambent_port"]
    assert misspelt(given) == {"LAMBENT_NODE_MEMORYMB": "LAMBENT_NODE_MEMORY_MB"}
