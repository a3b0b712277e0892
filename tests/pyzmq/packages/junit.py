"""Outcomes of a test run, read from pytest's JUnit file, and what differs between two runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

Outcomes = dict[str, str]

PASSED, SKIPPED, FAILED = "passed", "skipped", "failed"


def outcomes(path: Path) -> Outcomes:
    """Return "module.Class::test[parameter]" -> passed, skipped or failed.

    A test fails that does so in any of its stages: pytest writes an entry for each that does.
    """
    found: Outcomes = {}
    for case in ElementTree.parse(path).iter("testcase"):
        tags = {child.tag for child in case}
        name = f"{case.get('classname')}::{case.get('name')}"
        if tags & {"failure", "error"}:
            found[name] = FAILED
        elif found.get(name) != FAILED:
            found[name] = SKIPPED if "skipped" in tags else PASSED
    return found


def counts(found: Outcomes) -> dict[str, int]:
    """Return how many passed, were skipped and failed."""
    tally = Counter(found.values())
    return {word: tally[word] for word in (PASSED, SKIPPED, FAILED)}


def lost(theirs: Outcomes, ours: Outcomes) -> list[str]:
    """Return the tests that pass in one run and do not in the other, or are not even there."""
    return [name for name, how in theirs.items() if how == PASSED and ours.get(name) != PASSED]


def gained(theirs: Outcomes, ours: Outcomes) -> list[str]:
    """Return the tests that pass in the second run alone."""
    return [name for name, how in ours.items() if how == PASSED and theirs.get(name) != PASSED]
