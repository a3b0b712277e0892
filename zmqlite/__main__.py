"""Run the command line: `python -m zmqlite`."""

if __name__ == "__main__":
    try:
        from .cli import main

        code = main()
    except KeyboardInterrupt:  # while that was imported; later `main` sees to it
        import sys

        sys.stderr.write("zmqlite: interrupted\n")
        code = 130
    raise SystemExit(code)
