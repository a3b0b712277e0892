"""The command line of zmqlite: `app` ties it together.

app       who parses, and exit codes
version   what this installation is made of
demo/     real processes and threads exchanging messages, every one of them counted
table     the verbs that need the extra `cli`
group     these verbs, as a click group
verbs/    each of them, by family
shared/   what they share: a socket from the options, formats, tables
bench/    what `bench` measures
doctor/   what `doctor` examines
"""

from .app import main

__all__ = ["main"]
