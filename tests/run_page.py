"""Run the code of a Markdown page as a reader would: `python run_page.py PAGE`.

Blocks marked `python` and `pycon` share one namespace, from the top of the page to its end. The
latter are compared with what they show. `python NAME.py` is a program of its own: the first one
below a heading is started, the others there run beside it to their end, then it gets a Ctrl-C.
Everything else is prose. Line numbers in tracebacks are those of the page. test_docs.py runs this.
"""

from __future__ import annotations

import doctest
import itertools
import logging
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PATIENCE = 20  # seconds that a program may take
# what asyncio remarks in development mode about a machine that has other work to do
SLOW = re.compile(r"^Executing <.* took [\d.]+ seconds\n?", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block: its language, the word after it, its text, its line, its heading."""

    language: str
    name: str
    text: str
    line: int
    section: int


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    for found in re.finditer(r"^```(\w+) ?(\S*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        language, name, body = found.groups()
        above = text[: found.start()]
        yield Block(language, name, body, above.count("\n") + 2, above.count("\n## "))


def run_inline(block: Block, page: str, space: dict[str, Any]) -> None:
    """Run a block in the page's namespace; fail if a session shows something else."""
    if block.language == "python":
        code = compile("\n" * (block.line - 1) + block.text, page, "exec")
        exec(code, space)
        return
    test = doctest.DocTestParser().get_doctest(block.text, space, page, page, block.line - 1)
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    if runner.run(test, clear_globs=False).failed:
        sys.exit(f"{page}: the session in line {block.line} shows something else")
    space.update(test.globs)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_programs(programs: list[Block]) -> None:
    """Write the programs of a section to files and run the later ones beside the first."""
    ports: dict[str, int] = {}
    for block in programs:
        text = re.sub(
            r"(?<=127\.0\.0\.1:)\d+",  # the page's port may be taken here
            lambda found: str(ports.setdefault(found[0], free_port())),
            block.text,
        )
        Path(block.name).write_text(text, encoding="utf-8")
    words = [sys.executable, "-X", "dev", "-W", "error"]
    first = subprocess.Popen([*words, programs[0].name], stderr=subprocess.PIPE, text=True)
    try:
        for block in programs[1:]:
            subprocess.run([*words, block.name], check=True, timeout=PATIENCE)
        if first.poll() is None:
            first.send_signal(signal.SIGINT)
        _, complaint = first.communicate(timeout=PATIENCE)
    finally:
        first.kill()
        first.wait()
    complaint = SLOW.sub("", complaint)
    if complaint.strip() and not complaint.rstrip().endswith("KeyboardInterrupt"):
        sys.exit(f"{programs[0].name} ended with: {complaint}")


def main() -> None:
    logging.getLogger("asyncio").addFilter(lambda record: not SLOW.match(record.getMessage()))
    page = Path(sys.argv[1])
    found = list(blocks(page.read_text(encoding="utf-8")))
    space: dict[str, Any] = {"__name__": "__main__"}
    for block in found:
        if block.language in ("python", "pycon") and not block.name:
            run_inline(block, page.name, space)
    programs = [block for block in found if block.language == "python" and block.name]
    for _, together in itertools.groupby(programs, lambda block: block.section):
        run_programs(list(together))


if __name__ == "__main__":
    main()
