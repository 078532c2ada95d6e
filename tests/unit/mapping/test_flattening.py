"""Models made whole. Source: API Gateway API Reference, "GetModel": flatten resolves references to other models."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.mapping.flattening import flattened
from lambent.mapping.schemas import MODELS, Schema, parsed

URL = MODELS + "api/models/"


def told(*properties: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {each: {"$ref": URL + each} for each in properties}, **more}


def test_models_become_definitions_and_keep_their_own() -> None:
    models = {
        "Order": told("Pet", definitions={"Pet": {"type": "string"}}),
        "Pet": told("Order", "Gone", definitions={"Age": {"type": "integer"}})
        | {"additionalProperties": {"$ref": "#/definitions/Age"}},
    }
    whole = json.loads(flattened("api", "Order", models))
    assert whole["properties"]["Pet"] == {"$ref": "#/definitions/Pet_"}  # the name was taken
    assert whole["definitions"]["Pet"] == {"type": "string"}
    pet = whole["definitions"]["Pet_"]
    assert pet["properties"] == {"Order": {"$ref": "#"}, "Gone": {"$ref": URL + "Gone"}}
    assert pet["additionalProperties"] == {"$ref": "#/definitions/Pet_/definitions/Age"}
    schema = Schema(json.dumps(whole), {})
    assert not schema.problems({"Pet": {"Order": {}, "x": 1}})
    assert schema.problems({"Pet": {"x": "no number"}})


NAMES = ["A", "B", "C"]
REFERENCES = st.sampled_from([*(URL + name for name in NAMES), "#", "#/definitions/A"])
PROPERTIES = st.dictionaries(st.sampled_from(["a", "b"]), st.builds(lambda ref: {"$ref": ref}, REFERENCES))
SCHEMAS = st.builds(
    lambda properties, kind: {"properties": properties, "definitions": {"A": {"type": kind}}, "type": "object"},
    PROPERTIES,
    st.sampled_from(["object", "string"]),
)
BODIES = st.recursive(st.sampled_from(["", 1, {}]), lambda inner: st.dictionaries(st.sampled_from(["a", "b"]), inner))


@settings(max_examples=50)
@given(st.fixed_dictionaries(dict.fromkeys(NAMES, SCHEMAS)), BODIES)
def test_a_flattened_model_accepts_what_the_model_accepts(models: dict[str, Any], body: Any) -> None:
    texts = {URL + name: json.dumps(schema) for name, schema in models.items()}
    whole = flattened("api", "A", {name: parsed(texts[URL + name]) for name in NAMES})
    assert URL not in whole
    assert bool(Schema(whole, {}).problems(body)) is bool(Schema(texts[URL + "A"], texts).problems(body))
