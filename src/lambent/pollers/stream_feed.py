"""One shard as its lanes read it: what one has read, the others need not read again.

A shard only grows, so a page holds for whoever stands within it. The last few are kept where there are several lanes.
"""

from collections import deque

from lambent.pollers.api import Page, Streams

PAGES = 8


class Feed:
    """The pages of a shard."""

    def __init__(self, streams: Streams, arn: str, shard: str, lanes: int) -> None:
        self._streams, self._arn, self._shard = streams, arn, shard
        self._pages: deque[Page] = deque(maxlen=PAGES if lanes > 1 else 0)

    async def read(self, position: str, wait_s: float) -> Page:
        """Records after a position, waiting for the first. Raises ServiceError, StoreFailed."""
        page = next((page for page in self._pages if page.after <= position < page.upto), None)
        if page is None:
            page = await self._streams.read(self._arn, self._shard, position, wait_s)
            if page.changes and not any(kept.after == page.after for kept in self._pages):
                self._pages.append(page)
        return page_after(page, position)


def page_after(page: Page, position: str) -> Page:
    """What a page has after a position in it."""
    if page.after == position:
        return page
    changes = [change for change in page.changes if change.sequence > position]
    return Page(position, page.upto, changes, page.ended, page.more)
