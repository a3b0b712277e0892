"""Run the command line: `python -m zmqlite`."""

from .cli import main

if __name__ == "__main__":
    raise SystemExit(main())
