"""A model's schema made whole: the models that it refers to become its definitions. Pure.

A `$ref` inside a model that has become a definition starts where that model stands now, so that each keeps its own
definitions; models may refer to each other in circles. One that leads nowhere stays as it is.

Source: API Gateway API Reference, "GetModel" (`flatten`). The form of the answer is our reading.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from lambent.mapping.schemas import MODELS


def flattened(api_id: str, name: str, models: Mapping[str, Any]) -> str:
    """The schema of the model `name`, without references to other models."""
    return msgspec.json.encode(_Flattening(f"{MODELS}{api_id}/models/", name, models).whole()).decode()


class _Flattening:
    def __init__(self, prefix: str, name: str, models: Mapping[str, Any]) -> None:
        self._prefix, self._name, self._models = prefix, name, models
        own = models[name].get("definitions")
        self._taken = set(own) if isinstance(own, dict) else set()
        self._places: dict[str, str] = {name: "#"}
        self._waiting: list[str] = []

    def whole(self) -> Any:
        whole = self._moved(self._models[self._name], "#")
        added: dict[str, Any] = {}
        while self._waiting:
            model = self._waiting.pop()
            place = self._places[model]
            added[place.rpartition("/")[2]] = self._moved(self._models[model], place)
        if added:
            whole["definitions"] = {**(whole.get("definitions") or {}), **added}
        return whole

    def _moved(self, node: Any, place: str) -> Any:
        """`node` of the model that stands at `place` now."""
        if isinstance(node, list):
            return [self._moved(each, place) for each in node]
        if not isinstance(node, dict):
            return node
        return {
            key: self._led(value, place) if key == "$ref" and isinstance(value, str) else self._moved(value, place)
            for key, value in node.items()
        }

    def _led(self, reference: str, place: str) -> str:
        if reference.startswith("#"):
            return place + reference[1:]
        model = reference.removeprefix(self._prefix)
        return self._place_of(model) if model != reference and model in self._models else reference

    def _place_of(self, model: str) -> str:
        if model not in self._places:
            free = model
            while free in self._taken:
                free += "_"
            self._taken.add(free)
            self._places[model] = f"#/definitions/{free}"
            self._waiting.append(model)
        return self._places[model]
