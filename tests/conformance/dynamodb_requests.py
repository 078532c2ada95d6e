"""Requests by chance: every operation on items with every parameter that it has, old ones and new ones, wrong ones too.

What DynamoDB Local is known to answer in its own way is not made: see `test_dynamodb_peer.py`.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

Request = tuple[str, dict[str, Any]]
VALUES: list[dict[str, Any]] = [
    *({"N": each} for each in ("0", "1", "-1", "2.50", "1e3", "1E-7", "12345678901234567890123456789012345678")),
    *({"S": each} for each in ("", "a", "ab", "b", "é")),
    *({"B": each} for each in (b"\0", b"a", b"\xff\xff")),
    {"BOOL": True},
    {"NULL": True},
    {"SS": ["a", "b"]},
    {"NS": ["1", "2"]},
    {"BS": [b"a"]},
    {"L": [{"S": "a"}, {"N": "1"}]},
    {"L": [{"L": [{"N": "1"}]}, {"M": {"x": {"S": "b"}}}]},
    {"M": {"x": {"N": "1"}, "y": {"L": [{"S": "b"}]}}},
    {"M": {}},
]
WRONG: list[dict[str, Any]] = [{}, {"N": "x"}, {"SS": []}, {"NS": ["1", "1.0"]}, {"N": "1e200"}, {"S": "a", "N": "1"}]
PATHS = ["v", "w", "v.x", "v.y[0]", "w[0]", "w[1]", "w[1].x", "w[0][0]", "#v", "id", "u"]
WRONG_PATHS = ["id.x", "size", "v..x", "w[01]", "#undefined", "v[-1]", "none"]
FUNCTIONS = [
    *("attribute_exists({})", "attribute_not_exists({})", "size({}) > :a", "begins_with({}, :a)", "contains({}, :a)"),
    *("attribute_type({}, :kind)", "contains(:a, {})", "size({}) = size(w)", "begins_with(v, {})"),
]
WRONG_CONDITIONS = ["nothing({})", "{} = :nobody", "{} =", "size({})", "{} = {}", "(({} = {}))", "if_not_exists({}, u)"]
COMPARISONS = [
    *("{} = :a", "{} <> :a", "{} < :a", "{} >= :b", "{} BETWEEN :a AND :b", "{} IN (:a, :b)", "{} = w"),
    *(":a <= {}", ":a BETWEEN {} AND {}", "{} IN ({}, :b)", "{} < {}", "{} = :nobody", "{} ="),
]
CHANGES = [
    *("SET {} = :a", "SET {} = w", "SET {} = {} + :a", "SET {} = if_not_exists(v, :a)", "SET {} = list_append({}, :b)"),
    *("REMOVE {}", "ADD {} :a", "DELETE {} :a", "SET {} = :a REMOVE w", "SET {} = :b - :a"),
    *("SET {} = if_not_exists({}, :a) + :b", "SET {} = list_append(if_not_exists({}, :a), :b)", "REMOVE {}, w[1]"),
    *(
        "SET {} = :a, u = v",
        "SET {} = list_append(:a, :b) ADD u :a",
        "SET {} = size(v)",
        "SET {} = if_not_exists({}, {})",
    ),
]
OPERATORS = [
    *("EQ", "NE", "LE", "LT", "GE", "GT", "NULL", "NOT_NULL", "BETWEEN", "CONTAINS", "NOT_CONTAINS"),
    *("BEGINS_WITH", "IN"),
]
NEEDED = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2}
METRICS = "ReturnItemCollectionMetrics"
NAMES = {"#v": "v", "#number": "number", "#n0": "name"}


class Maker:
    """Makes one request after the other. The table has the keys `id` (S) and `number` (N), the global indexes
    `by-group` on `group` (S) and `number`, and `few` on `group`, which holds keys alone, and the local index
    `by-rank` on `rank` (N)."""

    def __init__(self, table: str, seed: int) -> None:
        self._table, self._chance = table, random.Random(seed)
        self._makers: list[Callable[[], Request]] = [
            *(self._put, self._put, self._get, self._update, self._update, self._delete, self._query, self._scan),
            *(self._old_put, self._old_update, self._old_delete, self._old_query, self._old_scan, self._index_query),
            *(self._batch_write, self._batch_get, self._transact_write, self._transact_get),
        ]

    def request(self) -> Request:
        """One operation and its parameters."""
        operation, parameters = self._one(self._makers)()
        if operation.startswith(("Batch", "Transact")):
            return operation, parameters
        return operation, {"TableName": self._table, **parameters}

    # --- parts

    def _one(self, choices: Sequence[Any]) -> Any:
        return self._chance.choice(choices)

    def _now_and_then(self, share: float, parameters: dict[str, Any]) -> dict[str, Any]:
        return parameters if self._chance.random() < share else {}

    def _value(self) -> dict[str, Any]:
        value: dict[str, Any] = self._one(WRONG if self._chance.random() < 0.01 else VALUES)
        return value

    def _key(self) -> dict[str, Any]:
        return {"id": {"S": self._one("ab")}, "number": {"N": str(self._chance.randint(-3, 3))}}

    def _item(self) -> dict[str, Any]:
        item = self._key() | {name: self._value() for name in "vw" if self._chance.random() < 0.8}
        item |= self._now_and_then(0.6, {"group": {"S": self._one("xy")}})
        return item | self._now_and_then(0.6, {"rank": {"N": str(self._chance.randint(0, 5))}})

    def _condition(self, depth: int = 0) -> str:
        chance = self._chance.random()
        if depth < 3 and chance < 0.3:
            return f"({self._condition(depth + 1)}) {self._one(['AND', 'OR'])} ({self._condition(depth + 1)})"
        if depth < 3 and chance < 0.4:
            return f"NOT {self._condition(3)}"
        text: str = self._one(WRONG_CONDITIONS if self._chance.random() < 0.02 else FUNCTIONS + COMPARISONS)
        return text.replace("{}", self._path())

    def _path(self) -> str:
        path: str = self._one(WRONG_PATHS if self._chance.random() < 0.03 else PATHS)
        return path

    def _named(self, text: str) -> dict[str, Any]:
        names = {name: meant for name, meant in NAMES.items() if name in text}
        return {"ExpressionAttributeNames": names} if names else {}

    def _placeholders(self, *texts: str) -> dict[str, Any]:
        whole = " ".join(texts)
        values = {name: self._value() for name in (":a", ":b") if name in whole}
        if ":kind" in whole:
            values[":kind"] = {"S": self._one(["N", "S", "L", "X"])}
        values |= self._now_and_then(0.01, {":nothing": {"N": "1"}})
        given: dict[str, Any] = {"ExpressionAttributeValues": values} if values else {}
        return given | self._named(whole)

    def _conditional(self, *texts: str) -> dict[str, Any]:
        if self._chance.random() < 0.5:
            return self._placeholders(*texts)
        condition = self._condition()
        shown = self._now_and_then(0.5, {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"})
        return {"ConditionExpression": condition, **shown, **self._placeholders(condition, *texts)}

    def _counted(self, *more: str) -> dict[str, Any]:
        names = ("ReturnConsumedCapacity", *more)
        return {name: "NONE" for name in names if self._chance.random() < 0.1}

    def _projection(self) -> str:
        return ", ".join([self._path(), self._path()])

    # --- single items

    def _put(self) -> Request:
        shown = {"ReturnValues": self._one(["ALL_OLD", "ALL_OLD", "NONE", "ALL_NEW"])}
        return "PutItem", {"Item": self._item(), **shown, **self._conditional(), **self._counted(METRICS)}

    def _get(self) -> Request:
        consistent = self._now_and_then(0.3, {"ConsistentRead": True}) | self._counted()
        if self._chance.random() < 0.3:
            return "GetItem", {
                "Key": self._key(),
                "AttributesToGet": self._chance.sample(["v", "w", "u"], 2),
                **consistent,
            }
        text = self._projection()
        return "GetItem", {"Key": self._key(), "ProjectionExpression": text, **consistent, **self._named(text)}

    def _update(self) -> Request:
        text = self._one(CHANGES).replace("{}", self._path().replace("id", "v"))
        more = {"UpdateExpression": text, "ReturnValues": self._one(["ALL_OLD", "ALL_NEW", "NONE"])}
        return "UpdateItem", {"Key": self._key(), **more, **self._conditional(text), **self._counted(METRICS)}

    def _delete(self) -> Request:
        more = {"ReturnValues": "ALL_OLD", **self._conditional(), **self._counted(METRICS)}
        return "DeleteItem", {"Key": self._key(), **more}

    # --- single items, in the words of before expressions

    def _compared(self) -> dict[str, Any]:
        operator = self._one(OPERATORS)
        count = NEEDED.get(operator, 1) if self._chance.random() < 0.95 else self._chance.randint(0, 3)
        return {"ComparisonOperator": operator, "AttributeValueList": [self._value() for _ in range(count)]}

    def _compared_all(self) -> dict[str, Any]:
        return {name: self._compared() for name in self._chance.sample(["v", "w", "u"], self._chance.randint(1, 2))}

    def _expected(self) -> dict[str, Any]:
        if self._chance.random() < 0.3:
            return {}
        found = self._compared_all()
        if self._chance.random() < 0.4:
            found["w"] = self._one(
                [{"Exists": False}, {"Value": self._value()}, {"Exists": True, "Value": self._value()}]
            )
        return {"Expected": found, **self._joined()}

    def _joined(self) -> dict[str, Any]:
        return self._now_and_then(0.4, {"ConditionalOperator": self._one(["AND", "OR"])})

    def _old_put(self) -> Request:
        return "PutItem", {"Item": self._item(), **self._expected()}

    def _old_delete(self) -> Request:
        return "DeleteItem", {"Key": self._key(), "ReturnValues": "ALL_OLD", **self._expected()}

    def _old_update(self) -> Request:
        changes = {}
        for name in self._chance.sample(["v", "w", "u"], self._chance.randint(1, 2)):
            action = self._one(["PUT", "ADD", "DELETE"])
            changes[name] = {"Action": action} | self._now_and_then(0.8, {"Value": self._value()})
        shown = {"ReturnValues": self._one(["ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])}
        # Local looks at conditions before it looks at wrong actions.
        expected = (
            {}
            if any(change != {"Action": "PUT", "Value": {"S": "a"}} for change in changes.values())
            else self._expected()
        )
        return "UpdateItem", {"Key": self._key(), "AttributeUpdates": changes, **shown, **expected}

    # --- many items

    def _query(self) -> Request:
        condition = f"id = :id AND #number {self._one(['<', '<=', '>', '>=', '='])} :n"
        text = self._condition()
        given = self._placeholders(condition, text)
        values = {":id": {"S": "a"}, ":n": {"N": str(self._chance.randint(-3, 3))}}
        given["ExpressionAttributeValues"] = values | given.get("ExpressionAttributeValues", {})
        request = {"KeyConditionExpression": condition, "FilterExpression": text, **given}
        more = {"ScanIndexForward": self._chance.random() < 0.5, "Limit": self._chance.randint(1, 9)}
        more |= self._now_and_then(0.2, {"Select": self._one(["COUNT", "ALL_ATTRIBUTES", "SPECIFIC_ATTRIBUTES"])})
        more |= self._now_and_then(0.2, {"ConsistentRead": True}) | self._counted()
        start = self._key()
        if (
            start["number"] != values[":n"]
        ):  # where a page ends that is also the end of what was asked for, Local differs
            more |= self._now_and_then(0.2, {"ExclusiveStartKey": start})
        return "Query", request | more

    def _index_query(self) -> Request:
        index, key, value = self._one(
            [("by-group", "#g = :x", "x"), ("few", "#g = :x", "y"), ("by-rank", "id = :x AND #k > :one", "a")]
        )
        values = {":x": {"S": value}} | ({":one": {"N": "1"}} if ":one" in key else {})
        names = {name: meant for name, meant in (("#g", "group"), ("#k", "rank")) if name in key}
        request: dict[str, Any] = {"IndexName": index, "KeyConditionExpression": key}
        if self._chance.random() < 0.5:
            request["FilterExpression"] = self._one(["attribute_exists(v)", "id <> :y", "contains(v, :y)"])
            values |= {":y": self._value()} if ":y" in request["FilterExpression"] else {}
        more = {"ExpressionAttributeValues": values, "ExpressionAttributeNames": names}
        more |= self._now_and_then(0.4, {"ProjectionExpression": self._one(["v", "id, w", "v.x"])})
        return "Query", request | more | self._now_and_then(0.2, {"Select": self._one(["COUNT", "ALL_ATTRIBUTES"])})

    def _old_query(self) -> Request:
        conditions = {"id": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}
        if self._chance.random() < 0.7:
            operator = self._one(["EQ", "LE", "LT", "GE", "GT", "BETWEEN", "BEGINS_WITH"])
            values = [{"N": str(self._chance.randint(-3, 3))} for _ in range(NEEDED.get(operator, 1))]
            conditions["number"] = {"ComparisonOperator": operator, "AttributeValueList": values}
        request: dict[str, Any] = {"KeyConditions": conditions}
        if self._chance.random() < 0.3:
            text = self._condition()
            return "Query", request | {"FilterExpression": text, **self._placeholders(text)}
        if self._chance.random() < 0.7:
            request |= {"QueryFilter": self._compared_all(), **self._joined()}
        return "Query", request | self._now_and_then(0.3, {"AttributesToGet": ["v", "id"]})

    def _scan(self) -> Request:
        text, shown = self._condition(), self._projection()
        if self._chance.random() < 0.5:
            request = {"FilterExpression": text, "ProjectionExpression": shown, **self._placeholders(text, shown)}
        else:
            request = {"FilterExpression": text, **self._placeholders(text)}
        request |= self._now_and_then(0.2, {"IndexName": self._one(["by-group", "by-rank"])})
        request |= self._now_and_then(0.1, {"Segment": self._one([0, 1]), "TotalSegments": 1}) | self._counted()
        request |= self._now_and_then(0.1, {"ConsistentRead": True, "Limit": 100})
        request |= self._now_and_then(0.05, {"ExclusiveStartKey": {"id": {"S": "a"}}})
        return "Scan", request | self._now_and_then(0.2, {"Select": "COUNT"})

    def _old_scan(self) -> Request:
        request = {"ScanFilter": self._compared_all(), **self._joined()}
        return "Scan", request | self._now_and_then(0.3, {"AttributesToGet": ["v", "id"]})

    # --- several at once

    def _batch_write(self) -> Request:
        writes = [
            self._one([{"PutRequest": {"Item": self._item()}}, {"DeleteRequest": {"Key": self._key()}}])
            for _ in range(self._chance.randint(1, 4))
        ]
        return "BatchWriteItem", {"RequestItems": {self._table: writes}, **self._counted(METRICS)}

    def _batch_get(self) -> Request:
        wanted: dict[str, Any] = {"Keys": [self._key() for _ in range(self._chance.randint(1, 4))]}
        if self._chance.random() < 0.5:
            wanted["ProjectionExpression"] = self._projection()
            wanted |= self._named(wanted["ProjectionExpression"])
        elif self._chance.random() < 0.3:
            wanted["AttributesToGet"] = ["v", "w"]
        wanted |= self._now_and_then(0.3, {"ConsistentRead": True})
        return "BatchGetItem", {"RequestItems": {self._table: wanted}, **self._counted()}

    def _transact_write(self) -> Request:
        keys = [self._key() for _ in range(self._chance.randint(1, 4))]
        # Two actions on one item: Local says no only when no condition fails.
        actions = [self._action(key) for at, key in enumerate(keys) if key not in keys[:at]]
        more = self._now_and_then(0.2, {"ClientRequestToken": f"{self._table}-{self._chance.randrange(10**9)}"})
        return "TransactWriteItems", {"TransactItems": actions, **more, **self._counted(METRICS)}

    def _action(self, key: dict[str, Any]) -> dict[str, Any]:
        kind = self._one(["Put", "Update", "Delete", "ConditionCheck"])
        condition = "" if kind != "ConditionCheck" and self._chance.random() < 0.6 else self._condition()
        condition = condition.replace("id.x", "id")  # in a ConditionCheck Local does not mind
        change = "SET u = :a" if kind == "Update" else ""
        given = self._placeholders(condition, change) | ({"ConditionExpression": condition} if condition else {})
        given |= self._now_and_then(0.3, {"ReturnValuesOnConditionCheckFailure": "NONE"})
        what = {"Item": self._item() | key} if kind == "Put" else {"Key": key}
        return {kind: {"TableName": self._table, **what, **given, **({"UpdateExpression": change} if change else {})}}

    def _transact_get(self) -> Request:
        gets: list[dict[str, Any]] = []
        for _ in range(self._chance.randint(1, 4)):
            text = self._projection()
            given = {"ProjectionExpression": text, **self._named(text)} if self._chance.random() < 0.5 else {}
            gets.append({"Get": {"TableName": self._table, "Key": self._key(), **given}})
        return "TransactGetItems", {"TransactItems": gets, **self._counted()}
