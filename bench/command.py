"""What the command lines of all benchmarks share: help that is the script's own first page, and an end in order.

Ctrl-C and SIGTERM end a benchmark by an exception, so that its servers, processes and folders go with it. What is
missing, and a server that is gone in the middle, is told in a sentence.
"""

import signal
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable

from lambent.cli.errors import explain
from lambent.cli.server import terminable

INTERRUPTED = 130  # as a shell says it of Ctrl-C


def parser(page: str | None) -> ArgumentParser:
    """A parser whose help is `page`, the script's docstring, and its flags."""
    return ArgumentParser(description=page, formatter_class=RawDescriptionHelpFormatter)


def how_many(text: str) -> int:
    """The type of flags that say how many: nothing is measured with none."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def numbers(text: str) -> list[int]:
    """The type of flags such as `1,16,64`."""
    return [int(each) for each in text.split(",")]


def run(main: Callable[[], None]) -> None:
    """Run a script to its end, whatever that is."""
    try:
        with terminable():
            # Ctrl-C in the same way: at once, where an event loop would first finish its turn.
            signal.signal(signal.SIGINT, signal.getsignal(signal.SIGTERM))
            main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (ConnectionError, EOFError) as error:
        sys.exit(f"the server is gone: {error}")
    except Exception as error:
        said = explain(error)
        if said is None:
            raise
        sys.exit(said)
