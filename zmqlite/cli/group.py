"""The verbs as a click group: each is loaded when it is called."""

from __future__ import annotations

import argparse
import difflib
import os
from collections.abc import Sequence
from importlib import import_module

import click
from click.shell_completion import shell_complete

from .command import USAGE, Command
from .output import complain, write
from .shared.verb import Verb, heading, help_option
from .table import VERBS
from .version import describe

__all__ = ["COMPLETE", "PROGRAM", "run"]

PROGRAM = "zmqlite"
COMPLETE = "_ZMQLITE_COMPLETE"


class Group(click.Group):
    """All verbs. `others` are commands that argparse reads; they are listed, and no more."""

    def __init__(self, others: Sequence[Command]) -> None:
        super().__init__(PROGRAM, no_args_is_help=False)
        self.help = "ZeroMQ from the command line."
        self.others = {one.name: one for one in others}
        self.params.append(
            click.Option(
                ["-V", "--version"],
                is_flag=True,
                expose_value=False,
                is_eager=True,
                callback=_show_version,
                help="Show the version and exit.",
            )
        )

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return help_option()

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*VERBS, *self.others]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = VERBS.get(cmd_name)
        if entry is None:
            return _listed(self.others[cmd_name]) if cmd_name in self.others else None
        module = import_module(f"{__package__}.verbs.{entry.module}")
        verb: Verb = getattr(module, cmd_name)
        return verb

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        names = self.list_commands(ctx)
        if args[0] not in names:
            near = difflib.get_close_matches(args[0], names, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"there is no command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(PROGRAM, "COMMAND [OPTIONS] ...")

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summaries without loading a verb."""
        self.format_usage(ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text(f"{self.help} `zmqlite COMMAND --help` has options and examples.")
        rows = [(name, entry.summary) for name, entry in VERBS.items()]
        with formatter.section(heading("Commands")):
            formatter.write_dl([*rows, *((o.name, o.summary) for o in self.others.values())])
        with formatter.section(heading("Options")):
            records = [param.get_help_record(ctx) for param in self.get_params(ctx)]
            formatter.write_dl([record for record in records if record])


def _listed(command: Command) -> click.Command:
    """Return what a shell completes of a command that argparse reads."""
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    options: list[click.Parameter] = []
    for action in parser._actions:
        if action.option_strings and action.dest != "help":
            kind = click.Choice([str(c) for c in action.choices]) if action.choices else None
            flag = action.nargs == 0
            options.append(
                click.Option(
                    action.option_strings,
                    type=kind,
                    is_flag=flag,
                    help=action.help,
                    multiple=False,
                )
            )
    return click.Command(command.name, params=options)


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        write(describe()[0])
        ctx.exit()


def run(words: list[str], others: Sequence[Command]) -> int:
    """Run a verb and return its exit code; raises SystemExit(2) for a faulty command line."""
    group = Group(others)
    asked = os.environ.get(COMPLETE)
    if asked:
        return shell_complete(group, {}, PROGRAM, COMPLETE, asked)
    if not words:
        complain("zmqlite: a command is required; `zmqlite --help` lists them")
        raise SystemExit(USAGE)
    try:
        # not main(): it has a way of its own with Ctrl-C and with a closed pipe
        with group.make_context(PROGRAM, words) as ctx:
            code = group.invoke(ctx)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        place: click.Context | None = getattr(error, "ctx", None)
        if place is not None:
            complain(place.get_usage())
            complain(f"`{place.command_path} --help` tells more.\n")
        complain(f"zmqlite: {error.format_message()}")
        raise SystemExit(error.exit_code) from None
    return code if isinstance(code, int) else 0
