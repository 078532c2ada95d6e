"""The fake for tests of whatever writes to the journal."""

from lambent.model.invocation import InvocationRecord


class MemoryJournal:
    """Keeps the records in a list."""

    def __init__(self) -> None:
        self.records: list[InvocationRecord] = []

    def append(self, record: InvocationRecord) -> None:
        self.records.append(record)
