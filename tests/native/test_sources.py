"""What the compiler takes for something else than it looks like."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import zmqlite as zmq

NATIVE = Path(__file__).resolve().parents[2] / "zmqlite" / "_native"
SOURCES = sorted([*NATIVE.glob("**/*.pxi"), *NATIVE.glob("**/*.pyx")])

IMPORTED = re.compile(r"^from +\S+ +cimport +(?:\(([^)]*)\)|([^(\n]*)$)", re.MULTILINE)
OWN = re.compile(r"^cdef +(?!class|enum|extern|inline)[\w *\[\].]+?(\w+) *(?:=.*)?$", re.MULTILINE)
ASSIGNED = re.compile(r"^ +(\w+(?: *, *\w+)*) *(?:[-+*/%&|^]|//|<<|>>)?=(?!=)", re.MULTILINE)
FUNCTION = re.compile(r"( *)(?:cpdef|cdef|def)\b(?! *(?:class|enum|extern)).*[(]")
DECLARED = re.compile(r"^ +(?:global|cdef|nonlocal)\b.*$", re.MULTILINE)


def names_of_c(texts: list[str]) -> set[str]:
    """Names that stand for a variable of C: imported ones, and the core's own."""
    found: set[str] = set()
    for text in texts:
        for names in IMPORTED.findall(text):
            found.update(re.findall(r"\w+", "".join(names)))
        found.update(OWN.findall(text))
    return found


def shadowed(text: str, names: set[str]) -> list[str]:
    """Names to which a function assigns without having declared them: locals of Python."""
    wrong = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        head = FUNCTION.match(line)
        if head is None:
            continue
        signature, body = parts_of(lines[number:], len(head[1]))
        known = " ".join([signature, *DECLARED.findall(body)])
        body = without_brackets(body)
        for targets in ASSIGNED.findall(body):
            for name in re.findall(r"\w+", targets):
                if name in names and not re.search(rf"\b{name}\b", known):
                    wrong.append(f"{head[0].strip()}: {name}")
    return wrong


def parts_of(lines: list[str], indent: int) -> tuple[str, str]:
    """The signature of the function that begins here, and its body."""
    end = next(
        n
        for n, line in enumerate(lines, 1)
        if line.rstrip().endswith((":", '"""')) or " # " in line
    )
    body = []
    for line in lines[end:]:
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        body.append(line)
    return " ".join(lines[:end]), "\n".join(body)


def without_brackets(text: str) -> str:
    """The text without what stands in parentheses: there, a line may begin with a keyword."""
    before = ""
    while text != before:
        before, text = text, re.sub(r"\([^()]*\)", "", text)
    return text


@pytest.mark.skipif(not SOURCES, reason="the sources of the core are not here")
def test_nothing_assigns_to_a_local_that_was_meant_for_c():
    """`errno = 0` in a function sets nothing that C code ever sees."""
    texts = {path.name: path.read_text() for path in SOURCES}
    names = names_of_c(list(texts.values()))
    assert len(texts) > 20
    assert {
        "errno",
        "EINTR",
        "exiting",
        "forks",
        "ZERO_COPY_MIN",
        "all_contexts",
        "main_thread",
    } <= names
    assert shadowed("def f(self):\n    errno = 0  # -1 may be a value\n", names)
    assert shadowed(
        "cdef int f(int a,\n           int b) except -1:\n    if a:\n        exiting = True\n",
        names,
    )
    assert not shadowed(
        "def f():\n    global exiting\n    exiting = True\n    error.errno = 5\n", names
    )
    assert not shadowed(
        "def f(int errno):\n    g(errno=0)\n    if errno == 0:\n        pass\n", names
    )
    wrong = {name: found for name, text in texts.items() if (found := shadowed(text, names))}
    assert not shadowed('def f(self):\n    raise E("a (b)",\n            errno=EFAULT)\n', names)
    assert shadowed("def f(self):\n    g(\n        1)\n    errno = 0\n", names)
    assert not wrong


@pytest.mark.parametrize("option", ["THREAD_SCHED_POLICY", "THREAD_PRIORITY"])
def test_a_context_option_is_read_after_an_error(context, option):
    """-1 is a value of theirs; the error before it was another's."""
    number = getattr(zmq, option)
    value = context.get(number)
    for _ in range(2):
        with pytest.raises(zmq.ZMQError):
            context.get(4711)
        with pytest.raises(zmq.ZMQError):
            context.set(zmq.IO_THREADS, -1)
        assert context.get(number) == value
