"""How values are spread, in little room: counts by bins that grow by two percent. Pure.

A percentile of a sketch is within one percent of the exact one. Only values of zero and above have
a place here, as percentiles of metrics with negative values do not exist.

Source: CloudWatch User Guide, "Statistics definitions" (percentiles need raw values that are not negative);
the idea is that of DDSketch (Masson, Rim and Lee, 2019) and of CloudWatch's own exponential histograms.
"""

import math
from collections.abc import Mapping

import msgspec

GROWTH = math.log(1.02)
MIDDLE = math.exp(-GROWTH / 2)
ORIGIN = 40_000  # the bin of 1; those of all doubles lie between 0 and twice that
Sketch = dict[int, float]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Sketch).decode


def bin_of(value: float) -> int:
    """The bin of a value of zero or above: 0 for zero itself."""
    return ORIGIN + math.ceil(math.log(value) / GROWTH) if value > 0 else 0


def value_of(number: int) -> float:
    """What the values of a bin are taken for."""
    return math.exp((number - ORIGIN) * GROWTH) * MIDDLE if number else 0.0


def added(one: Mapping[int, float], other: Mapping[int, float]) -> Sketch:
    """Both together."""
    total = dict(one)
    for number, count in other.items():
        total[number] = total.get(number, 0.0) + count
    return total


def percentile(sketch: Mapping[int, float], percent: float) -> float:
    """The value that `percent` of the values do not exceed; of a sketch that is not empty."""
    wanted, seen = sum(sketch.values()) * percent / 100, 0.0
    number = 0
    for number in sorted(sketch):
        seen += sketch[number]
        if seen >= wanted - 1e-9:
            break
    return value_of(number)


def pack(sketch: Sketch | None) -> bytes | None:
    """The form that is stored."""
    return None if sketch is None else _encode(sketch)


def unpack(body: bytes | None) -> Sketch | None:
    """The sketch that was stored."""
    return None if body is None else _decode(body)
