"""The command line of zmqlite: one module or folder a command, `app` ties them together.

app       the parser, the table of commands, exit codes
version   what this installation is made of
demo/     real processes and threads exchanging messages, every one of them counted
"""

from .app import main

__all__ = ["main"]
