"""What browsers are told about requests from other origins, for function URLs and HTTP APIs."""

from msgspec import Struct


class Cors(Struct, frozen=True, omit_defaults=True):
    """`max_age_s` None: nothing is said."""

    allow_credentials: bool = False
    allow_headers: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age_s: int | None = None
