"""Resource policies of APIs: what may be written, and what they decide. Pure; services/resource_policy.py judges.

Source: API Gateway Developer Guide, "Control access to a REST API with resource policies": a Resource may be short,
`execute-api:/stage/GET/path` or `execute-api:/*`, and stands for the API's own.
"""

import json

from lambent.services.apigateway.errors import BadRequest
from lambent.services.resource_policy import is_valid

LONGEST = 8192
REFUSAL = "Invalid policy document. Please check the policy syntax and ensure that Principals are valid."


def normalized(text: str) -> str:
    """The policy in a text, compact. Raises BadRequest."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest(REFUSAL) from None
    compact = json.dumps(document, separators=(",", ":"))
    if len(compact) > LONGEST or not is_valid(compact, "execute-api"):
        raise BadRequest(REFUSAL)
    return compact
