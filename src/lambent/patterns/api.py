"""Event patterns: one grammar, three services.

Pure. A pattern is compiled once and asked often; a wrong one raises InvalidPattern, whose reason the
service wraps in its own error. All three know every operator: exact values (also null, true and the
empty string), prefix, suffix, equals-ignore-case (also inside prefix and suffix), wildcard,
anything-but (values, or prefix, suffix, equals-ignore-case, wildcard), numeric, cidr, exists, `$or`.

| who | entry | what is different |
| --- | --- | --- |
| EventBridge | `event_pattern`, `RuleSet` | nothing: this is the grammar's home |
| mappings of Lambda | `FilterCriteria` | any of several patterns; the data is text, JSON or not |
| SNS | `attribute_policy`, `body_policy` | attributes are flat and typed; a body has to be a JSON object |

Sources: EventBridge User Guide, "Comparison operators for use in event patterns"; Lambda Developer
Guide, "Control which events Lambda sends to your function"; SNS Developer Guide, "Subscription filter
policies" and "Filter policy constraints".
"""

from lambent.patterns.attributes import AttributePolicy, BodyPolicy, attribute_policy, body_policy
from lambent.patterns.criteria import FilterCriteria
from lambent.patterns.errors import InvalidPattern
from lambent.patterns.match import Pattern, compile_pattern
from lambent.patterns.rule_set import RuleSet

event_pattern = compile_pattern

__all__ = [
    "AttributePolicy",
    "BodyPolicy",
    "FilterCriteria",
    "InvalidPattern",
    "Pattern",
    "RuleSet",
    "attribute_policy",
    "body_policy",
    "event_pattern",
]
