"""Every setting of the platform, with one name: flag, `LAMBENT_` variable and `lambent.toml` key.

Precedence: what is passed in (flags), then the environment, then `lambent.toml` in the working
directory, then the defaults here. AWS's limits are the defaults of the quotas.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

MIB = 1024 * 1024


class Quotas(BaseModel):
    """Limits with AWS's values. Source: Lambda Developer Guide, "Lambda quotas"."""

    memory_mb_min: int = 128
    memory_mb_max: int = 10_240
    timeout_s_max: int = 900
    environment_bytes: int = 4096
    layers: int = 5
    zip_bytes: int = 52_428_800
    unzipped_bytes: int = 262_144_000
    zip_entries: int = 100_000  # our own guard; AWS names none
    create_request_bytes: int = 70_167_211
    ephemeral_mb_min: int = 512
    ephemeral_mb_max: int = 10_240
    sync_payload_bytes: int = 6_291_456
    sync_response_bytes: int = 6_291_556
    async_payload_bytes: int = 1_048_576
    client_context_bytes: int = 3_583
    account_concurrency: int = 1_000
    unreserved_minimum: int = 100
    code_storage_bytes: int = 300 * 1024 * MIB
    tags: int = 50
    processes: int = 1_024
    file_descriptors: int = 1_024
    init_timeout_s: float = 10.0
    header_bytes: int = MIB


class Settings(BaseSettings):
    """What `lambent serve` was told."""

    model_config = SettingsConfigDict(
        env_prefix="LAMBENT_", env_nested_delimiter="__", toml_file="lambent.toml", extra="forbid"
    )

    host: str = "127.0.0.1"
    port: int = Field(4566, ge=0, le=65535, description="The port of the endpoint; the one other local endpoints use.")
    data: Path = Field(Path("data"), description="Where everything lies.")
    edges: int = Field(1, ge=1, description="HTTP worker processes.")
    account: str = Field("000000000000", pattern=r"^\d{12}$")
    region: str = "us-east-1"
    dev_credentials: bool = Field(False, description="Add the key test/test as an administrator; loopback only.")
    isolation: Literal["sandbox", "process"] = "sandbox"
    network: Literal["none", "platform"] = Field("platform", description="What a function may reach.")
    runtime_fallback: bool = Field(False, description="Run a missing runtime on the nearest version found.")
    keep_alive_s: float = Field(600.0, ge=0, description="How long an idle environment is kept.")
    async_retry_delays_s: tuple[float, ...] = (60.0, 120.0)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"
    drain_s: float = Field(8.0, ge=0, description="How long SIGTERM waits for running invocations.")
    clock_skew_s: int = 900
    sandbox_uid_base: int = Field(1_051_000, description="First uid of the range that environments run as.")
    sandbox_pool: int = Field(2, ge=0, description="Ready-made sandboxes kept for each interpreter.")
    node_memory_mb: int = Field(0, ge=0, description="Memory for environments; 0 is nine tenths of the machine's.")
    quotas: Quotas = Quotas()

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
