"""The operators of a pattern, each made into a test of one value. Pure.

Knows: what `{"prefix": "x"}` and its kind mean, and how a wrong one is refused. Does not know
fields, arrays or `exists`, which are about where a value is and not about the value (match.py).

A value under test is a JSON scalar: str, int, float, bool or None. Only cidr, prefix and the like
ask for a string, numeric for a number; anything-but takes any scalar that is there.

Sources: EventBridge User Guide, "Comparison operators for use in event patterns"; the words of the
refusals are those of AWS's open rule engine (event-ruler), which EventBridge passes on.
"""

from collections.abc import Callable
from ipaddress import ip_address, ip_network

from lambent.patterns.errors import InvalidPattern
from lambent.patterns.reader import Node, Scalar

Test = Callable[[Scalar], bool]
LARGEST = 5e9  # "Numeric matching": between -5.0e9 and +5.0e9 inclusive

ONE_KEY = "Only one key allowed in match expression"


class Reasons:
    """Makes refusals for one pattern's text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def refuse(self, node: Node, reason: str) -> InvalidPattern:
        """That `node` is wrong, and why."""
        return InvalidPattern(reason, self._text, node.at)


def make_test(name: str, operand: Node, reasons: Reasons) -> Test:
    """The test that `{name: operand}` stands for. Raises InvalidPattern."""
    maker = MAKERS.get(name)
    if maker is None:
        raise reasons.refuse(operand, f"Unrecognized match type {name}")
    return maker(operand, reasons)


def _exactly(operand: Node, reasons: Reasons) -> Test:
    wanted = _text(operand, reasons, "exact match")
    return lambda value: value == wanted and isinstance(value, str)


def _prefix(operand: Node, reasons: Reasons) -> Test:
    folded, wanted = _maybe_folded(operand, reasons, "prefix")
    if folded:
        return lambda value: isinstance(value, str) and value.lower().startswith(wanted)
    return lambda value: isinstance(value, str) and value.startswith(wanted)


def _suffix(operand: Node, reasons: Reasons) -> Test:
    folded, wanted = _maybe_folded(operand, reasons, "suffix")
    if folded:
        return lambda value: isinstance(value, str) and value.lower().endswith(wanted)
    return lambda value: isinstance(value, str) and value.endswith(wanted)


def _equals_ignore_case(operand: Node, reasons: Reasons) -> Test:
    wanted = _text(operand, reasons, "equals-ignore-case match").lower()
    return lambda value: isinstance(value, str) and value.lower() == wanted


def _wildcard(operand: Node, reasons: Reasons) -> Test:
    parts = _wildcard_parts(operand, reasons)
    return lambda value: isinstance(value, str) and _globs(parts, value)


def _cidr(operand: Node, reasons: Reasons) -> Test:
    text = _text(operand, reasons, "prefix match")  # AWS's own word for it here
    address, slash, _ = text.partition("/")
    try:
        ip_address(address)
        network = ip_network(text if slash else "", strict=False)
    except ValueError:
        raise reasons.refuse(operand, f"Malformed CIDR, {_cidr_fault(address, slash)}: {text}") from None

    def inside(value: Scalar) -> bool:
        if not isinstance(value, str):
            return False
        try:
            return ip_address(value) in network
        except ValueError:
            return False

    return inside


def _cidr_fault(address: str, slash: str) -> str:
    if not slash:
        return "one '/' required"
    try:
        ip_address(address)
    except ValueError:
        return "invalid IP address"
    return "mask bits must be a number the address has"


def _numeric(operand: Node, reasons: Reasons) -> Test:
    if not isinstance(operand.value, list):
        raise reasons.refuse(operand, "Value of numeric must be an array.")
    first, *rest = operand.value or [operand]
    if not isinstance(first.value, str):
        raise reasons.refuse(first, f"Invalid member in numeric match: {_shown(first)}")
    operator = first.value
    if operator not in ("=", "<", "<=", ">", ">="):
        raise reasons.refuse(first, f"Unrecognized numeric range operator: {operator}")
    bound = _number(operator, rest[:1] or [first], reasons)
    if len(rest) == 1:
        return _compare(operator, bound)
    if operator in ("=", "<", "<="):
        raise reasons.refuse(rest[1], "Too many elements in numeric expression")
    return _range(operator, bound, rest[1:], reasons)


def _range(operator: str, bottom: float, rest: list[Node], reasons: Reasons) -> Test:
    second = rest[0]
    if not isinstance(second.value, str):
        raise reasons.refuse(second, f"Bad value in numeric range: {_shown(second)}")
    if second.value not in ("<", "<="):
        raise reasons.refuse(second, f"Bad numeric range operator: {second.value}")
    top = _number(second.value, rest[1:2] or [second], reasons)
    if len(rest) > 2:
        raise reasons.refuse(rest[2], "Too many terms in numeric range expression")
    if bottom >= top:
        raise reasons.refuse(rest[1], "Bottom must be less than top")
    above, below = _compare(operator, bottom), _compare(second.value, top)
    return lambda value: above(value) and below(value)


def _compare(operator: str, bound: float) -> Test:
    match operator:
        case "=":
            return lambda value: _is_number(value) and value == bound
        case "<":
            return lambda value: _is_number(value) and value < bound  # type: ignore[operator]
        case "<=":
            return lambda value: _is_number(value) and value <= bound  # type: ignore[operator]
        case ">":
            return lambda value: _is_number(value) and value > bound  # type: ignore[operator]
        case _:
            return lambda value: _is_number(value) and value >= bound  # type: ignore[operator]


def _anything_but(operand: Node, reasons: Reasons) -> Test:
    if isinstance(operand.value, dict):
        return _anything_but_operator(operand.value, operand, reasons)
    if not isinstance(operand.value, list):
        if not isinstance(operand.value, str) and not operand.is_number:
            raise reasons.refuse(operand, "Value of anything-but must be an array or single string/number value.")
        return _none_of([operand], reasons)
    return _none_of(operand.value or [operand], reasons)


def _none_of(nodes: list[Node], reasons: Reasons) -> Test:
    for node in nodes:
        if isinstance(node.value, bool | dict) or node.value is None:
            raise reasons.refuse(node, "Inside anything but list, start|null|boolean is not supported.")
    strings = frozenset(node.value for node in nodes if isinstance(node.value, str))
    numbers = frozenset(_in_range(node, reasons) for node in nodes if node.is_number)
    if bool(strings) is bool(numbers):
        raise reasons.refuse(
            nodes[-1],
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        )
    if strings:
        return lambda value: not isinstance(value, str) or value not in strings
    return lambda value: not _is_number(value) or value not in numbers


def _anything_but_operator(members: dict[str, Node], operand: Node, reasons: Reasons) -> Test:
    if not members:
        raise reasons.refuse(operand, "Anything-But expression name not found")
    if len(members) > 1:
        raise reasons.refuse(operand, ONE_KEY)
    ((name, inner),) = members.items()
    if name not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
        raise reasons.refuse(inner, f"Unsupported anything-but pattern: {name}")
    wanted = inner.value if isinstance(inner.value, list) else [inner]
    if not wanted or not all(isinstance(node.value, str) for node in wanted):
        raise reasons.refuse(inner, f"Inside anything-but/{name} list, number|start|null|boolean is not supported.")
    if name in ("prefix", "suffix") and not all(node.value for node in wanted):
        raise reasons.refuse(inner, "Null prefix/suffix not allowed")
    tests = [MAKERS[name](node, reasons) for node in wanted]
    return lambda value: not any(test(value) for test in tests)


def _text(operand: Node, reasons: Reasons, what: str) -> str:
    if not isinstance(operand.value, str):
        raise reasons.refuse(operand, f"{what} pattern must be a string")
    return operand.value


def _maybe_folded(operand: Node, reasons: Reasons, name: str) -> tuple[bool, str]:
    """Whether case is ignored, and the text: of `"x"` or `{"equals-ignore-case": "x"}`."""
    if not isinstance(operand.value, dict):
        return False, _text(operand, reasons, f"{name} match")
    if len(operand.value) != 1:
        raise reasons.refuse(operand, ONE_KEY)
    ((inner_name, inner),) = operand.value.items()
    if inner_name != "equals-ignore-case":
        raise reasons.refuse(inner, f"Unsupported {name} pattern: {inner_name}")
    return True, _text(inner, reasons, "equals-ignore-case match").lower()


def _wildcard_parts(operand: Node, reasons: Reasons) -> list[str]:
    """The text between the stars; a backslash takes the meaning from a star or another backslash."""
    text, parts, at = _text(operand, reasons, "wildcard match"), [""], 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            if text[at + 1 : at + 2] not in ("*", "\\"):
                raise reasons.refuse(operand, f"Invalid escape character at pos {at}")
            at += 1
            parts[-1] += text[at]
        elif char == "*":
            if text[at + 1 : at + 2] == "*":
                raise reasons.refuse(operand, f"Consecutive wildcard characters at pos {at}")
            parts.append("")
        else:
            parts[-1] += char
        at += 1
    return parts


def _globs(parts: list[str], value: str) -> bool:
    """Whether `value` is the parts with anything between them. Each part is looked for once, so it is quick."""
    if len(parts) == 1:
        return value == parts[0]
    if len(value) < len(parts[0]) + len(parts[-1]) or not value.startswith(parts[0]) or not value.endswith(parts[-1]):
        return False
    at, end = len(parts[0]), len(value) - len(parts[-1])
    for part in parts[1:-1]:
        found = value.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _is_number(value: Scalar) -> bool:
    return type(value) in (int, float)


def _number(operator: str, nodes: list[Node], reasons: Reasons) -> float:
    if not nodes[0].is_number:
        name = "equals" if operator == "=" else operator
        raise reasons.refuse(nodes[0], f"Value of {name} must be numeric")
    return _in_range(nodes[0], reasons)


def _in_range(node: Node, reasons: Reasons) -> float:
    assert isinstance(node.value, int | float)
    if not -LARGEST <= node.value <= LARGEST:
        raise reasons.refuse(node, "Value must be between -5.0E9 and 5.0E9, inclusive")
    return node.value


def _shown(node: Node) -> str:
    return "[" if isinstance(node.value, list) else "{" if isinstance(node.value, dict) else str(node.value)


MAKERS: dict[str, Callable[[Node, Reasons], Test]] = {
    "exactly": _exactly,
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "cidr": _cidr,
}
