"""What waiting processes may take together, and who gives way."""

from lambent.sandbox.budget import Budget
from lambent.sandbox.depth import Depth


class Shelf:
    """A pool, as far as the budget is concerned."""

    def __init__(self, kept: int, used_s: float) -> None:
        self.kept, self.used_s = kept, used_s

    def give_one_up(self) -> bool:
        if not self.kept:
            return False
        self.kept -= 1
        return True


def budget(total_mb: int, *shelves: Shelf) -> Budget:
    made = Budget(total_mb)
    for shelf in shelves:
        made.add(shelf, 50)
    return made


def test_there_is_room_until_the_estimates_are_used_up() -> None:
    one = Shelf(1, 1.0)
    assert budget(100, one).room_for(one)
    assert not budget(99, one).room_for(one)
    assert not budget(0, Shelf(0, 0.0), one).room_for(one)


def test_the_pool_that_was_used_longest_ago_gives_way() -> None:
    oldest, older, newest = Shelf(1, 1.0), Shelf(1, 2.0), Shelf(0, 3.0)
    made = budget(100, newest, older, oldest)
    assert not made.room_for(newest)
    assert (oldest.kept, older.kept) == (0, 1)
    assert made.room_for(newest)


def test_an_empty_pool_has_nothing_to_give() -> None:
    empty, older, newest = Shelf(0, 1.0), Shelf(2, 2.0), Shelf(0, 3.0)
    budget(100, empty, older, newest).room_for(newest)
    assert older.kept == 1


def test_the_pool_that_was_used_longest_ago_takes_from_nobody() -> None:
    oldest, newest = Shelf(0, 1.0), Shelf(2, 2.0)
    assert not budget(100, oldest, newest).room_for(oldest)
    assert newest.kept == 2


def test_a_reserve_that_nobody_uses_ends() -> None:
    depth = Depth(1, 4, idle_s=100.0)
    assert depth.wanted(0.0) == 1
    depth.expected(50.0)
    assert depth.wanted(149.0) == 1
    assert depth.wanted(151.0) == 0
    assert depth.least == 0
