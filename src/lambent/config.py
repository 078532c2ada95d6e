"""Every setting of the platform, with one name: flag, `LAMBENT_` variable and `lambent.toml` key.

Precedence: what is passed in (flags), then the environment, then `lambent.toml` in the working
directory, then the defaults here. AWS's limits are the defaults of the quotas.
"""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from lambent.file_systems import FileSystem, parse_all

MIB = 1024 * 1024
HOST_NAME = re.compile(
    r"(?:\*\.)?(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
)


REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")  # as the ARNs of functions have it: Lambda service model, FunctionArn
LAST_UID = 2**32 - 2
UIDS = 100_000
NO_WALL = 2**31 - 1  # the largest number that an SDK in any language takes for an integer
NO_WALL_BYTES = 2**53 - 1  # and for a long, in JSON


def _none_is(value: int) -> BeforeValidator:
    return BeforeValidator(lambda given: value if given == "none" else given)


Count = Annotated[int, Field(ge=0)]
Wall = Annotated[int, Field(ge=0), _none_is(NO_WALL)]
WallFromOne = Annotated[int, Field(ge=1), _none_is(NO_WALL)]
WallBytes = Annotated[int, Field(ge=0), _none_is(NO_WALL_BYTES)]
"""Upper limits, for which an operator may write `none`."""


class Quotas(BaseModel):
    """Limits with AWS's values. Sources: the quotas pages of the guides of the services."""

    model_config = ConfigDict(allow_inf_nan=False)

    memory_mb_min: Count = Field(128, description="MemorySize, smallest.")
    memory_mb_max: WallFromOne = Field(10_240, description="MemorySize, largest.")
    timeout_s_max: WallFromOne = Field(900, description="Timeout, longest.")
    environment_bytes: Wall = Field(4096, description="All environment variables of a function, as JSON.")
    layers: Wall = Field(5, description="Layers of a function.")
    policy_bytes: Wall = Field(20_480, description="The resource policy of a function or a layer version, as JSON.")
    zip_bytes: WallBytes = Field(52_428_800, description="A package that is uploaded, zipped.")
    image_bytes: WallBytes = Field(10 * 1024 * MIB, description="A container image, unpacked.")
    image_layers: int = Field(127, ge=1, le=10_000, description="Layers of a container image; AWS names no number.")
    image_entries: int = Field(
        1_000_000, ge=1, description="Files and folders of a layer of an image; our own guard, AWS names none."
    )
    unzipped_bytes: WallBytes = Field(262_144_000, description="A package with its layers, unzipped.")
    zip_entries: Wall = Field(100_000, description="Entries of a package; our own guard, AWS names none.")
    create_request_bytes: WallBytes = Field(70_167_211, description="A request to Lambda with code in it, whole.")
    ephemeral_mb_min: Count = Field(512, description="EphemeralStorage, smallest.")
    ephemeral_mb_max: WallFromOne = Field(10_240, description="EphemeralStorage, largest.")
    sync_payload_bytes: WallBytes = Field(6_291_456, description="The event of a synchronous invocation.")
    sync_response_bytes: WallBytes = Field(6_291_556, description="The answer of a synchronous invocation.")
    streamed_response_bytes: WallBytes = Field(200 * MIB, description="The answer of an invocation that streams it.")
    async_payload_bytes: WallBytes = Field(1_048_576, description="The event of an asynchronous invocation.")
    client_context_bytes: Wall = Field(3_583, description="X-Amz-Client-Context, in base64.")
    account_concurrency: Wall = Field(1_000, description="Concurrent executions of an account in a Region.")
    unreserved_minimum: Count = Field(100, description="Concurrency that must stay unreserved.")
    code_storage_bytes: WallBytes = Field(300 * 1024 * MIB, description="All code of an account in a Region.")
    tags: Wall = Field(50, description="Tags of a function.")
    processes: int = Field(1_024, ge=16, le=4_194_304, description="Processes and threads of an environment.")
    file_descriptors: int = Field(1_024, ge=32, le=1_048_576, description="Open files of a process of an environment.")
    environment_connections: Count = Field(256, description="Connections of an environment to Lambent's own endpoint.")
    init_timeout_s: float = Field(10.0, gt=0, description="The init phase of an environment.")
    provisioned_init_timeout_s: float = Field(
        130.0,
        gt=0,
        description="The same with provisioned concurrency, where the function's own timeout is not longer.",
    )
    queue_message_bytes: Count = Field(MIB, description="An SQS message, and all messages of a batch together.")
    queue_in_flight: Count = Field(120_000, description="Messages of an SQS queue that were received and not deleted.")
    queue_fifo_calls_per_s: Count = Field(300, description="Calls of an action on a FIFO queue, or sends to its group.")
    queue_name_rest_s: Count = Field(60, description="How long the name of a deleted SQS queue cannot be used.")
    queue_purge_every_s: Count = Field(60, description="How long after a PurgeQueue of a queue the next is refused.")
    publish_bytes: Count = Field(262_144, description="An SNS message with its attributes, and a batch of them.")
    topics: Count = Field(100_000, description="SNS topics of an account in a Region.")
    topic_filter_policies: Count = Field(200, description="Filter policies of an SNS topic.")
    tables: Count = Field(2_500, description="DynamoDB tables of an account in a Region.")
    put_events_bytes: Count = Field(MIB, description="The entries of one PutEvents request.")
    rules_per_bus: Count = Field(300, description="Rules of an event bus.")
    targets_per_rule: Count = Field(5, description="Targets of a rule.")
    api_requests_per_s: Count = Field(
        0, description="Requests a second to all APIs of an account; AWS has 10000, 0 is no limit."
    )
    api_burst: Count = Field(5_000, description="How many of them may be saved up.")
    apis: Count = Field(600, description="HTTP and WebSocket APIs of an account in a Region.")
    api_routes: Count = Field(300, description="Routes of an HTTP or WebSocket API.")
    api_integrations: Count = Field(300, description="Integrations of such an API.")
    api_stages: Count = Field(10, description="Stages of such an API.")
    api_authorizers: Count = Field(10, description="Authorizers of such an API.")
    api_head_bytes: Count = Field(10_240, description="The request line of a request to a REST or HTTP API, with the "
                                "values of its headers.")  # fmt: skip
    api_request_bytes: Count = Field(10 * MIB, description="The body of a request to an API of API Gateway.")
    websocket_message_bytes: Count = Field(131_072, description="A message of a WebSocket API, in either direction.")
    websocket_frame_bytes: Count = Field(32_768, description="A frame of a message of a WebSocket API.")
    websocket_idle_s: float = Field(600.0, gt=0, description="How long a WebSocket may be silent.")
    websocket_life_s: float = Field(7_200.0, gt=0, description="How long a WebSocket lives.")
    rest_apis: Count = Field(600, description="REST APIs of an account in a Region.")
    rest_resources: Count = Field(300, description="Resources of a REST API.")
    rest_stages: Count = Field(10, description="Stages of a REST API.")
    rest_authorizers: Count = Field(10, description="Authorizers of a REST API.")
    api_keys: Count = Field(10_000, description="API keys of an account in a Region.")
    usage_plans: Count = Field(300, description="Usage plans of an account in a Region.")
    domain_names: Count = Field(120, description="Custom domain names of an account in a Region.")
    rest_timeout_ms: int = Field(29_000, ge=50, description="timeoutInMillis of an integration of a REST API.")
    header_bytes: Count = Field(MIB, description="Request line and headers of a request.")


class Settings(BaseSettings):
    """What `lambent serve` was told."""

    model_config = SettingsConfigDict(
        env_prefix="LAMBENT_", env_nested_delimiter="__", toml_file="lambent.toml", extra="forbid", allow_inf_nan=False
    )

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(4566, ge=0, le=65535, description="The port of the endpoint; the one other local endpoints use.")
    tls: bool = Field(
        False, description="Speak HTTPS too, on the same port, with a certificate that Lambent makes and renews."
    )
    tls_certificate: str = Field(
        "", description="The same with this certificate: a PEM file, followed by those between it and its authority."
    )
    tls_key: str = Field("", description="The private key of `tls_certificate`; empty where it is in the same file.")
    tls_names: tuple[str, ...] = Field(
        (), description="More names and addresses that the certificate of `tls` is to be good for."
    )
    data: Path = Field(Path("data"), description="Where everything lies.")
    edges: int = Field(1, ge=1, description="HTTP worker processes.")
    request_memory_mb: int = Field(
        1_024,
        ge=1,
        description="Memory of an HTTP worker for requests that are not answered yet, beyond 16 KB of each; functions "
        "have half of it, and one environment an eighth.",
    )
    account: str = Field("000000000000", pattern=r"^\d{12}$", description="The account id of the root access key.")
    region: str = Field("us-east-1", description="The Region that `lambent env` names.")
    dev_credentials: bool = Field(False, description="Add the key test/test as an administrator; loopback only.")
    isolation: Literal["sandbox", "process"] = Field(
        "sandbox", description="`process` runs functions without walls, for hosts that allow none."
    )
    network: Literal["none", "platform", "egress"] = Field(
        "platform", description="What a function may reach that has no tag `lambent:network`."
    )
    egress_allow: tuple[str, ...] = Field(
        (), description="Networks (CIDR) that `egress` reaches although they are private, or this host's own."
    )
    endpoint_allow: tuple[str, ...] = Field(
        (),
        description="Networks (CIDR) that topics and APIs may lead to although they are private, or this host's own.",
    )
    file_system: tuple[str, ...] = Field(
        (), description="Folders, as NAME=PATH or NAME=PATH:ro, that functions may mount; `status` tells their ARNs."
    )
    image_registry: tuple[str, ...] = Field(
        (),
        description="Registries (HOST or HOST:PORT) that container images may come from; http:// in front: no TLS.",
    )
    image_registry_ca: str = Field(
        "",
        description="Who signs registries' certificates: a PEM file; empty for those that the host trusts.",
    )
    image_registry_login: str = Field(
        "", description="A Docker configuration file (config.json) with the names and passwords for registries."
    )
    runtime_fallback: bool = Field(False, description="Run a missing runtime on the nearest version found.")
    keep_alive_s: float = Field(600.0, ge=0, description="How long an idle environment is kept.")
    freeze_after_s: float = Field(0.2, ge=0, description="An environment that is idle for longer stands still.")
    environment_life_s: float = Field(
        21_600.0, gt=0, le=39_600, description="How long any environment is used; its credentials end after 12 hours."
    )
    stream_bytes_per_s: int = Field(
        0, ge=0, description="How fast a streamed answer goes out after its first 6 MB; AWS has 2097152, 0 is no limit."
    )
    url_invoke_permission: bool = Field(
        False,
        description="A function URL's policy must allow lambda:InvokeFunction too, as AWS wants since October 2025.",
    )
    async_retry_delays_s: tuple[float, ...] = Field(
        (60.0, 120.0), description="Waits before the retries of a failed asynchronous invocation."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Of the platform's own log.")
    log_format: Literal["console", "json"] = Field("console", description="Of the platform's own log.")
    metric_retention_days: tuple[float, float, float, float] = Field(
        (0.125, 15.0, 63.0, 455.0), description="How long CloudWatch keeps points of 1 s, 1 min, 5 min and 1 h."
    )
    drain_s: float = Field(6.0, ge=0, le=86_400, description="How long SIGTERM waits for running invocations.")
    clock_skew_s: int = Field(900, ge=0, description="How far a request's signing time may be from ours.")
    sandbox_uid_base: int = Field(
        1_051_000,
        ge=1,
        le=LAST_UID - UIDS,
        description="First of 100,000 uids of environments; another server on the host has the next.",
    )
    snapshot_idle_s: float = Field(
        14 * 86400.0, ge=0, description="How long the snapshot of a version with SnapStart is kept unused."
    )
    sandbox_pool: int = Field(2, ge=0, description="Ready-made sandboxes kept for each interpreter; 0 for none.")
    sandbox_pool_most: int = Field(32, ge=0, description="The most that are kept after a burst, for five minutes.")
    preboot_mb: int = Field(
        256,
        ge=0,
        description="Memory for started processes of Node.js and the like that wait for a function; 0 for none.",
    )
    preboot_idle_s: float = Field(
        3600.0, ge=0, description="How long such a process waits for a runtime and memory size that nobody uses."
    )
    nodejs_modules: str = Field(
        "",
        description="A node_modules folder for all Node.js functions, such as one with the AWS SDK for JavaScript.",
    )
    scaling_pace: int = Field(
        0, ge=0, description="Environments that a function may add each 10 s; AWS has 1000, 0 is no limit."
    )
    requests_per_concurrency: int = Field(
        0, ge=0, description="Synchronous requests a second for each unit of concurrency; AWS has 10, 0 is no limit."
    )
    node_memory_mb: int = Field(
        0,
        ge=0,
        description="MemorySize of all environments together; 0 is nine tenths of the machine without preboot_mb.",
    )
    node_wait_s: float = Field(
        5.0, ge=1, le=60, description="How long a request waits for memory of a full node, until it is throttled."
    )
    quotas: Quotas = Quotas()

    @field_validator("data", mode="before")
    @classmethod
    def _is_named(cls, value: object) -> object:
        if value == "":
            raise ValueError("an empty name would be the working directory; if that is meant, write .")
        return value

    @field_validator("host")
    @classmethod
    def _is_host(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("an address to listen on, such as 127.0.0.1; 0.0.0.0 or :: for all of this machine")
        return value

    @field_validator("region")
    @classmethod
    def _is_region(cls, value: str) -> str:
        if REGION.fullmatch(value) is None:
            raise ValueError("a Region is written as AWS's are, such as eu-central-1; clients refuse ARNs of others")
        return value

    @field_validator("egress_allow", "endpoint_allow")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            ipaddress.ip_network(each)  # a ValueError, with the word that is none
        return value

    @field_validator("tls_names")
    @classmethod
    def _are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if HOST_NAME.fullmatch(each) is None:
                ipaddress.ip_address(each)  # a ValueError, with the word that is neither
        return value

    @field_validator("file_system")
    @classmethod
    def _are_file_systems(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if {"account", "region"} <= info.data.keys():  # otherwise those are complained of
            parse_all(value, info.data["account"], info.data["region"])  # a ValueError, with what is wrong
        return value

    @property
    def file_systems(self) -> tuple[FileSystem, ...]:
        """What `file_system` says."""
        return parse_all(self.file_system, self.account, self.region)

    @property
    def run(self) -> Path:
        """Sockets and pid files; made anew at each start."""
        return self.data / "run"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then environment, then `lambent.toml`."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)
