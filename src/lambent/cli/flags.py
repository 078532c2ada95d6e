"""Settings as flags: each setting of `config.Settings` has one name, written four ways.

`keep_alive_s` is the flag `--keep-alive-s`, the variable `LAMBENT_KEEP_ALIVE_S` and the key
`keep_alive_s` of lambent.toml; `quotas.zip_bytes` is `--quotas-zip-bytes`,
`LAMBENT_QUOTAS__ZIP_BYTES` and the key `zip_bytes` of the table [quotas].
"""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin

from msgspec import Struct
from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic.fields import FieldInfo

from lambent.config import Settings

CLOSE = 0.8  # of 1, as difflib counts: a letter or two beside a name
FEWER = "takes more values than these"


class Flag(Struct, frozen=True):
    """One setting. `path` is where it stands in Settings; `metavar` says what to write."""

    path: tuple[str, ...]
    metavar: str
    default: str
    description: str
    switch: bool

    @property
    def name(self) -> str:
        """As a Python name, unique among the flags."""
        return "_".join(self.path)

    @property
    def option(self) -> str:
        """As it is typed."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """As an environment variable."""
        return "LAMBENT_" + "__".join(self.path).upper()

    @property
    def key(self) -> str:
        """As a key of lambent.toml."""
        return ".".join(self.path)


def flags(model: type[BaseModel] = Settings, within: tuple[str, ...] = ()) -> Iterator[Flag]:
    """Every setting, in the order of config.py."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from flags(field.annotation, (*within, name))
        else:
            yield _flag((*within, name), field)


def _flag(path: tuple[str, ...], field: FieldInfo) -> Flag:
    switch = field.annotation is bool
    may_be_none = any(isinstance(each, BeforeValidator) for each in field.metadata)
    metavar = _metavar(field.annotation) + ("|none" if may_be_none else "")
    return Flag(path, metavar, _text(field.default), field.description or "", switch)


def _metavar(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return "|".join(get_args(annotation))
    if get_origin(annotation) is tuple:
        return "NUMBER,..." if get_args(annotation)[0] is float else "TEXT,..."
    return {"bool": "true|false", "int": "INTEGER", "float": "NUMBER", "Path": "DIR"}.get(annotation.__name__, "TEXT")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(f"{number:g}" for number in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def nested(given: Mapping[str, Any]) -> dict[str, Any]:
    """What Settings takes, from the flags that were given (those that are not None)."""
    values: dict[str, Any] = {}
    for flag in flags():
        value = given.get(flag.name)
        if value is None:
            continue
        if flag.metavar.endswith(",..."):
            value = [part for part in value.split(",") if part.strip()]
        at = values
        for part in flag.path[:-1]:
            at = at.setdefault(part, {})
        at[flag.path[-1]] = value
    return values


def misspelt(variables: Iterable[str]) -> dict[str, str]:
    """Those that are no setting of ours, each with the one that it looks like; others are somebody else's."""
    known = {flag.variable for flag in flags()}
    strange = sorted(each for each in variables if each.startswith("LAMBENT_") and each.upper() not in known)
    likely = {each: get_close_matches(each.upper(), sorted(known), n=1, cutoff=CLOSE) for each in strange}
    return {each: found[0] for each, found in likely.items() if found}


def complaints(error: ValidationError) -> str:
    """What is wrong with the settings, in one line that names each one."""
    known = {flag.path: flag for flag in flags()}
    lines = []
    for problem in error.errors():
        path = tuple(str(part) for part in problem["loc"] if not isinstance(part, int))
        flag = known.get(path)
        name = f"{flag.option} ({flag.variable})" if flag else f"{'.'.join(path)} in lambent.toml"
        says = FEWER if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {says}, not {problem['input']!r}" if flag else f"{name}: {says}")
    return "; ".join(dict.fromkeys(lines))
