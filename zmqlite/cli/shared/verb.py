"""What a verb is to click: a command whose help has sections, and examples that are tested."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import click

from ..output import write
from ..table import VERBS

__all__ = ["Example", "Verb", "help_option", "option", "verb"]

GENERAL = "Options"
_WIDTH = 100


class Example(NamedTuple):
    """A command line that works as it stands, and what it is for."""

    purpose: str
    command: str


class Setting(click.Option):
    """An option that stands in a section of the help."""

    def __init__(self, *args: Any, section: str = GENERAL, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.section = section


class Verb(click.Command):
    """A command with examples."""

    def __init__(self, *args: Any, examples: tuple[Example, ...] = (), **attributes: Any) -> None:
        attributes.setdefault("context_settings", {"max_content_width": _WIDTH})
        super().__init__(*args, **attributes)
        self.examples = examples

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return help_option()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and isinstance(param, click.Option):
                name = getattr(param, "section", GENERAL)
                sections.setdefault(name, []).append(record)
        last = sections.pop(GENERAL, [])
        for name, records in [*sections.items(), (GENERAL, last)]:
            with formatter.section(heading(name)):
                formatter.write_dl(records, col_max=28)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section(heading("Examples")):
                for number, example in enumerate(self.examples):
                    if number:
                        formatter.write_paragraph()
                    formatter.write_text(f"{example.purpose}:")
                    formatter.write(f"{'':{formatter.current_indent + 2}}{example.command}\n")


def heading(text: str) -> str:
    """Return a heading of the help, bold where a person reads it."""
    person = sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return click.style(text, bold=True) if person else text


def help_option() -> click.Option:
    """Return --help, which fails where it cannot be written."""

    def show(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value:
            write(ctx.get_help())
            ctx.exit()

    return click.Option(
        ["-h", "--help"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Show this message and exit.",
    )


def verb(name: str, *examples: Example) -> Callable[[Callable[..., Any]], Verb]:
    """Make a function a verb; its docstring is the help below the summary of the table."""

    def decorate(function: Callable[..., Any]) -> Verb:
        details = (function.__doc__ or "").partition("\n\n")[2]
        summary = VERBS[name].summary
        make = click.command(
            name, cls=Verb, help=f"{summary}\n\n{_dedent(details)}", examples=examples
        )
        return make(function)

    return decorate


def _dedent(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines())


def option(*names: str, section: str = GENERAL, **attributes: Any) -> Callable[..., Any]:
    """Return click's decorator for an option in a section of the help."""
    return click.option(*names, cls=Setting, section=section, **attributes)
