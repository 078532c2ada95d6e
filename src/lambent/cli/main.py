"""What the `lambent` script calls: one command, and Ctrl-C at any moment of it without a traceback.

All that takes time to load is loaded in here, so that no moment is left out.
"""

import sys

INTERRUPTED = 130  # as shells have it


def main() -> None:
    """Run what was typed, and end with its exit code."""
    try:
        from lambent.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    main()
