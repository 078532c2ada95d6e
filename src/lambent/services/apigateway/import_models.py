"""Schemas of an OpenAPI document as models: their names, their references, and words that JSON schema lacks. Pure."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from lambent.mapping.schemas import MODELS, BadSchema, parsed
from lambent.model.rest_api import RestDocument

UNFIT = re.compile(r"[^A-Za-z0-9]")
ONLY_OPENAPI = ("example", "examples", "xml", "externalDocs", "discriminator", "readOnly", "writeOnly", "deprecated")
JSON_TYPE = "application/json"


class ModelImport:
    """The models of one import; `name_of` gives a schema that a method uses the name of its model."""

    def __init__(
        self,
        document: RestDocument,
        source: dict[str, Any],
        new_id: Callable[[], str],
        warnings: list[str],
        *,
        is_2: bool,
    ) -> None:
        self._document, self._new_id, self._warnings = document, new_id, warnings
        self._prefix = "#/definitions/" if is_2 else "#/components/schemas/"
        held = source.get("definitions") if is_2 else (source.get("components") or {}).get("schemas")
        self._schemas: dict[str, Any] = held or {}
        self._names = {name: UNFIT.sub("", name) or "Model" for name in self._schemas}

    def run(self) -> None:
        """Make all of them."""
        for name, schema in self._schemas.items():
            self._add(self._names[name], schema, name)

    def name_of(self, schema: Any, hint: str) -> str | None:
        """The model for a schema where it is used; None where there can be none."""
        if not isinstance(schema, dict):
            return None
        reference = schema.get("$ref")
        if isinstance(reference, str):
            name = self._names.get(reference.removeprefix(self._prefix))
            return name if name in self._document.models else None
        name = UNFIT.sub("", hint) + "Model"
        return name if self._add(name, schema, hint) else None

    def _add(self, name: str, schema: Any, where: str) -> bool:
        try:
            text = msgspec.json.encode(self._plain(schema)).decode()
            parsed(text)
        except (BadSchema, RecursionError) as error:
            self._warnings.append(f"The schema {where} is not a model of JSON schema draft 4 and was left out: {error}")
            return False
        known = self._document.models.get(name, {"id": self._new_id(), "name": name})
        known |= {"schema": text, "contentType": JSON_TYPE}
        if isinstance(schema, dict) and isinstance(schema.get("description"), str):
            known["description"] = schema["description"]
        self._document.models[name] = known
        return True

    def _plain(self, schema: Any) -> Any:
        """A schema in JSON schema's words: references to models, and null as a type."""
        if isinstance(schema, list):
            return [self._plain(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        plain = {
            name: self._reference(value) if name == "$ref" and isinstance(value, str) else self._below(name, value)
            for name, value in schema.items()
            if name not in ONLY_OPENAPI and name != "nullable"
        }
        if schema.get("nullable") is True and isinstance(plain.get("type"), str):
            plain["type"] = [plain["type"], "null"]
        return plain

    def _below(self, name: str, value: Any) -> Any:
        if name in ("properties", "patternProperties", "definitions") and isinstance(value, dict):
            return {each: self._plain(schema) for each, schema in value.items()}
        return value if name in ("enum", "default", "required") else self._plain(value)

    def _reference(self, reference: str) -> str:
        if not reference.startswith(self._prefix):
            return reference
        name, slash, rest = reference.removeprefix(self._prefix).partition("/")
        url = f"{MODELS}{self._document.api['id']}/models/{self._names.get(name, name)}"
        return url + (f"#/{rest}" if slash else "")
