"""`completion`: what makes a shell complete these commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from ..command import FAILURE, SUCCESS
from ..output import complain, write
from ..shared.verb import Example, verb

__all__ = ["completion"]

PROGRAM, VARIABLE = "zmqlite", "_ZMQLITE_COMPLETE"


@verb(
    "completion",
    Example("For bash, in ~/.bashrc", 'eval "$(zmqlite completion bash)"'),
    Example("For fish", "zmqlite completion fish > ~/.config/fish/completions/zmqlite.fish"),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Complete.

    Completes commands, options, socket types, names of socket options, and the beginnings of
    addresses.
    """
    kind = get_completion_class(shell)
    if kind is None:
        complain(f"zmqlite: this click knows no {shell}")
        return FAILURE
    source = kind(click.Command(PROGRAM), {}, PROGRAM, VARIABLE).source()
    # click's own line for fish ends what a command is for at its first comma
    write(source.replace('(string split ","', '(string split --max 1 ","'))
    return SUCCESS
