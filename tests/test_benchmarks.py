"""The benchmarks: what they compute is right, and every kind of work still runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR

import zmqlite

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks"

if not sys.platform.startswith("linux"):
    pytest.skip("the benchmarks read /proc", allow_module_level=True)
if not BENCHMARKS.is_dir():
    pytest.skip("this copy has no benchmarks", allow_module_level=True)
sys.path.insert(0, str(BENCHMARKS))

import builds  # noqa: E402
import cells  # noqa: E402
import cpptools  # noqa: E402
import instructions  # noqa: E402
import plan  # noqa: E402
import report  # noqa: E402
import results  # noqa: E402
import runner  # noqa: E402
import targets  # noqa: E402
from cells import Cell  # noqa: E402
from samples import Sample, Samples, middle, noise, paired, short, times  # noqa: E402

PLAIN = "throughput/tcp/16/single"
MANY = "throughput/tcp/16/many"


def sample(cell: str, library: str, number: int = 0, rate: float = 1.0, **more: float) -> Sample:
    """Make a sample of a thousand messages at this many a second, one microsecond of CPU each."""
    return Sample(cell, library, number, 1000, 1000 / rate, 0.001, 5, 0.1, more)


# --- samples --------------------------------------------------------------------------------


def test_figures_are_written_with_three_digits() -> None:
    figures = [2_310_000, 999_960, 94_000, 812, 0.1234]
    assert [short(figure) for figure in figures] == ["2.31 M", "1 M", "94 k", "812", "0.123"]
    assert (middle([]), middle([3, 1, 2])) == ("-", "2")


def test_ratios_are_taken_within_a_round() -> None:
    """A slow round of both sides says nothing: the ratio of the medians would be 5."""
    ours, theirs = {0: 10.0, 1: 100.0, 2: 50.0}, {0: 5.0, 1: 50.0, 3: 1.0}
    assert paired(ours, theirs) == [2.0, 2.0]
    assert times(paired(ours, theirs)) == "**2.00** (2.00 to 2.00)"
    assert times([]) == "-"


def test_measures() -> None:
    samples = Samples([sample(PLAIN, "zmqlite", 0, 2000, p50=7.0, memory=64.0)])
    found = {
        measure: samples.figures(PLAIN, "zmqlite", measure).get(0)
        for measure in ("rate", "us", "cpu", "switches", "p50", "p99", "memory")
    }
    assert found == {
        "rate": 2000, "us": 500, "cpu": 1, "switches": 5, "p50": 7, "p99": None, "memory": 64,
    }  # fmt: skip


def test_a_tool_that_tells_only_a_mean_gives_it_for_the_median() -> None:
    samples = Samples([sample("latency/tcp/16", "libzmq", 0, 1000)])
    assert samples.figures("latency/tcp/16", "libzmq", "p50") == {0: 1000}


def test_a_mode_is_compared_with_the_plain_way_of_a_rival() -> None:
    samples = Samples([sample(MANY, "zmqlite", 0, 600), sample(PLAIN, "pyzmq", 0, 200)])
    assert samples.ratios(cells.BY_KEY[MANY], "pyzmq", "rate") == [3.0]


def test_noise_says_how_busy_others_were() -> None:
    assert "0.10 cores busy (median of 1" in noise([sample(PLAIN, "zmqlite")])
    assert noise([]) == "nothing was measured"


# --- comparing builds -----------------------------------------------------------------------


def test_what_a_patch_brings_is_its_largest_gain_in_any_cell() -> None:
    """Medians of ratios within a round; 10 percent of a time are worth it, 20 of memory."""
    taken: list[Sample] = []
    for number in (0, 1, 2):
        slowness = {"all": 1 + number, "a": 1.2 * (1 + number), "b": 1.05 + number}
        taken += [sample(PLAIN, build, number, 1000 / slow) for build, slow in slowness.items()]
    keep = Cell("connections", "tcp", 16, number=1000).key
    taken += [sample(keep, build, 0, memory=size) for build, size in (("all", 10.0), ("b", 11.9))]
    table = builds.table(builds.gather(taken), ["all", "a", "b"])
    assert f"| {PLAIN}: us | 2 k | 1.20 | 1.02 |" in table
    assert f"| {keep}: memory | 10 | - | 1.19 |" in table
    assert f"\na: 1.20 without it ({PLAIN}: us)" in table
    assert "\nb: nothing that is worth a patch" in table


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return which cell is measured with which build."""
    order: list[tuple[str, str]] = []

    def measure(cell: Cell, library: str, number: int, seconds: float, build: str) -> Sample:
        order.append((cell.key, build))
        return sample(cell.key, build, number)

    monkeypatch.setattr(builds, "measure", measure)
    return order


def test_builds_are_compared_in_turn(asked: list[tuple[str, str]]) -> None:
    builds.compare(["all", "a"], [cells.BY_KEY[PLAIN]], 2, 0.1)
    assert [build for _, build in asked] == ["all", "a", "a", "all"]


def test_a_short_comparison_asks_for_what_is_claimed(asked: list[tuple[str, str]]) -> None:
    wanted = [cell for cell in builds.cells() if cell.key in builds.SHORT]
    assert len(wanted) == len(builds.SHORT) <= 12
    builds.compare(["all", "ready-answer", "other"], wanted, 1, 0.1, few=True)
    assert [key for key, build in asked if build == "ready-answer"] == ["peers/inproc/16/5000"]
    assert {key for key, build in asked if build == "other"} == set(builds.SHORT)
    patches = (BENCHMARKS.parent / "vendor/libzmq/patches/speed").glob("*.patch")
    assert {patch.stem for patch in patches} == set(" ".join(builds.SHORT.values()).split())


def test_a_build_is_imported_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "zmqlite.py").write_text("raise SystemExit('this is the other one')\n")
    with pytest.raises(runner.Failed, match="this is the other one"):
        runner.measure(
            cells.BY_KEY["throughput/inproc/16/single"], "zmqlite", 0, 0.01, str(tmp_path)
        )


# --- cells and plans ------------------------------------------------------------------------


def test_every_cell_has_a_name_of_its_own() -> None:
    assert len(cells.BY_KEY) == len(cells.CELLS)


def test_cells_are_chosen_by_a_part_of_their_name() -> None:
    keys = {cell.key for cell in cells.matching("latency/ipc,poll/*/10")}
    assert {"latency/ipc/16", "asynclatency/ipc/16/trio", "poll/inproc/1000"} <= keys
    assert PLAIN not in keys
    assert cells.matching("no such cell") == []


def test_the_cells_of_the_issue_are_there() -> None:
    """1 B to 64 MiB, four transports, 10,000 sockets, 5,000 peers, a million subscriptions."""
    keys = set(cells.BY_KEY)
    assert {f"throughput/{t}/{s}/single" for t in cells.TRANSPORTS for s in cells.SIZES} <= keys
    assert (cells.SIZES[0], cells.SIZES[-1]) == (1, 64 * 1024 * 1024)
    assert {"throughput/ws/16/single", "poll/inproc/10000", "peers/tcp/16/5000"} <= keys
    assert {"pubsub/tcp/16/100subscribers", "subscriptions/inproc/16/1000000"} <= keys


def test_rounds_alternate_between_the_libraries() -> None:
    steps = plan.chosen(PLAIN, False, ["zmqlite", "pyzmq"], 2)
    assert [(step.library, step.round) for step in steps] == [
        ("zmqlite", 0), ("pyzmq", 0), ("zmqlite", 1), ("pyzmq", 1),
    ]  # fmt: skip


def test_publishing_measures_everything_and_the_targets_more_often() -> None:
    steps = plan.published(cells.LIBRARIES, targets.needed(), 5)
    rounds: dict[tuple[str, str], int] = {}
    for step in steps:
        rounds[step.place] = rounds.get(step.place, 0) + 1
    everything = {s.place for s in plan.everything(cells.CELLS, cells.LIBRARIES, 1)}
    assert rounds.keys() == everything
    assert {place for place, times in rounds.items() if times == 5} == targets.needed()
    assert {times for place, times in rounds.items() if place not in targets.needed()} == {1}


def test_a_run_that_stops_early_has_something_for_every_target() -> None:
    steps = plan.published(cells.LIBRARIES, targets.needed(), 5)
    size = len(targets.needed())
    for number in range(5):
        one_round = steps[number * size : (number + 1) * size]
        assert {step.place for step in one_round} == targets.needed()
        assert {step.round for step in one_round} == {number}


def test_resuming_leaves_out_what_is_done_and_what_is_impossible() -> None:
    steps = plan.chosen(PLAIN, False, ["zmqlite", "pyzmq", "pyomq"], 2)
    document = {
        "samples": [{"cell": PLAIN, "library": "zmqlite", "round": 0}],
        "left_out": [[PLAIN, "pyomq", "for some reason"]],
    }
    left = plan.remaining(steps, document)
    assert [(step.library, step.round) for step in left] == [
        ("pyzmq", 0), ("zmqlite", 1), ("pyzmq", 1),
    ]  # fmt: skip


def test_progress_counts_down() -> None:
    steps = plan.chosen(PLAIN, False, ["zmqlite"], 3)
    progress = plan.Progress(steps)
    assert progress.begin(steps[0]).startswith("[1/3, 0 min left] throughput/tcp/16/single")
    progress.end(steps[0])
    assert progress.begin(steps[1]).startswith("[2/3")
    for step in steps[1:]:
        progress.end(step)
    assert progress.minutes_left == 0


def test_a_results_file_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "results.json"
    document = results.start(0.5)
    document["samples"] = [{"cell": PLAIN}]
    results.save(document, path)
    assert results.load(path) == document
    assert list(path.parent.iterdir()) == [path]
    assert document["versions"]["zmqlite"] == zmqlite.__version__


# --- targets --------------------------------------------------------------------------------


def test_targets_are_made_of_cells_that_are_measured() -> None:
    for row in targets.TARGETS:
        for term in row.terms:
            assert cells.BY_KEY[term.cell].supports(term.library), row.name
    assert len({row.name for row in targets.TARGETS}) == len(targets.TARGETS)


def fast(number: int, ours: float = 30.0) -> list[Sample]:
    return [sample(PLAIN, "zmqlite", number, ours), sample(PLAIN, "pyzmq", number, 10.0)]


def test_a_verdict_is_the_median_of_five_rounds() -> None:
    row = targets.at_least(
        "rate", 1.9, targets.Term(PLAIN, "rate"), targets.Term(PLAIN, "rate", "pyzmq")
    )
    rounds = [fast(0, 10), fast(1), fast(2), fast(3), fast(4, 1000)]
    (verdict,) = targets.judge(Samples([s for some in rounds for s in some]), [row])
    assert (verdict.value, verdict.word) == (pytest.approx(3), "met")
    (verdict,) = targets.judge(Samples([s for some in rounds[:2] for s in some]), [row])
    assert (verdict.value, verdict.word) == (pytest.approx(2), "met, 2 of 5 rounds")
    (verdict,) = targets.judge(Samples(rounds[0]), [row])
    assert verdict.word == "not met, 1 of 5 rounds"
    (verdict,) = targets.judge(Samples([]), [row])
    assert verdict.word == "not measured"
    assert targets.as_rows([verdict])[0][1:3] == ["-", "-"]


def test_a_target_may_be_a_difference() -> None:
    """CPU of an extra part: (ten parts - one part) of ours over the same of theirs."""
    term = targets.Term
    row = targets.Target(
        "parts",
        (term("ten", "us"), term("one", "us", factor=-1)),
        (term("ten", "us", "pyzmq"), term("one", "us", "pyzmq", -1)), 0.3, False,
    )  # fmt: skip
    found = [sample("ten", "zmqlite", 0, 1e6 / 3), sample("one", "zmqlite", 0, 1e6 / 1)]
    found += [sample("ten", "pyzmq", 0, 1e6 / 30), sample("one", "pyzmq", 0, 1e6 / 10)]
    (verdict,) = targets.judge(Samples(found), [row])
    assert verdict.value == pytest.approx(0.1)
    assert verdict.word == "met, 1 of 5 rounds"


# --- tables and pages -----------------------------------------------------------------------


def every_kind() -> list[Sample]:
    """Make one sample for every cell and library."""
    more = {"p50": 3.0, "p99": 5.0, "p999": 9.0, "memory": 64.0, "descriptors": 1.0}
    return [
        sample(cell.key, library, 0, 1000 + index, **more)
        for index, cell in enumerate(cells.CELLS)
        for library in cells.LIBRARIES
        if cell.supports(library)
    ]


def test_every_cell_stands_in_a_table() -> None:
    tables = "".join(text for _, text in report.sections(Samples(every_kind())))
    missing = [cell.key for cell in cells.CELLS if f"| {cell.key} |" not in tables]
    assert missing == []


def test_tables_are_even() -> None:
    for title, text in report.sections(Samples(every_kind())):
        widths = {line.count("|") for line in text.splitlines()}
        assert len(widths) == 1, title


def test_verdicts_are_counted() -> None:
    text = report.verdicts(Samples(every_kind()))
    assert f"targets are met; there are {len(targets.TARGETS)}." in text
    assert text.count("\n| ") >= len(targets.TARGETS)


def test_losses_are_told() -> None:
    document = {"failures": ["a: b"], "left_out": [["cell", "pyzmq", "why"]]}
    assert list(report.losses(document)) == ["Failed: a: b", "Left out: cell, pyzmq: why"]


def test_the_page_keeps_what_is_written_by_hand(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    import pages

    both = [tmp_path / "performance.md", tmp_path / "figures.md"]
    for page in both:
        page.write_text(f"# Above\n\n{pages.BEGIN}\nold\n{pages.END}\n\n## Below\n")
    samples, document = every_kind(), results.start(1.0)
    written = pages.write(document, samples, tmp_path)
    for page in both:
        text = page.read_text()
        assert text.startswith("# Above\n")
        assert text.endswith("\n## Below\n")
        assert "\nold\n" not in text
    assert "## Targets" in both[1].read_text()
    shown = re.findall(r"\]\((plots/[^)]+)\)", both[0].read_text())
    assert shown
    for target in shown:
        assert tmp_path / target in written
    before = {path: path.read_bytes() for path in written}
    pages.write(document, samples, tmp_path)
    assert {path: path.read_bytes() for path in written} == before
    assert all(len(drawn) < 100_000 for drawn in before.values())
    with pytest.raises(ValueError, match="once each"):
        pages.put_between("no markers", "text")


@pytest.mark.parametrize("page", ["performance.md", "figures.md"])
def test_the_page_has_the_markers(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    source = (BENCHMARKS / "pages.py").read_text()
    for name in ("BEGIN", "END"):
        found = re.search(rf'^{name} = "(.*)"$', source, re.MULTILINE)
        assert found is not None
        assert text.count(found[1]) == 1


# --- the instruction guard ------------------------------------------------------------------


DUMP = """version: 1
desc: Trigger: Client Request: {name}
thread: {thread}
totals: {total}
"""


def test_a_dump_is_read_for_the_main_thread_only() -> None:
    assert instructions.read_dump(DUMP.format(name="send/3000", thread=1, total=12)) == {
        "send/3000": 12
    }
    assert instructions.read_dump(DUMP.format(name="send/3000", thread=2, total=12)) == {}
    assert instructions.read_dump(DUMP.format(name="", thread=1, total=12)) == {}


def test_what_is_the_same_for_both_lengths_cancels() -> None:
    start = 1_000_000
    totals = {"send/3000": start + 3000 * 800, "send/9000": start + 9000 * 800, "/3000": 5}
    assert instructions.by_difference(totals) == {"send": 800}
    with pytest.raises(instructions.CannotCount, match="9000"):
        instructions.by_difference({"send/3000": 5})


@pytest.mark.parametrize(
    ("counted", "word"),
    [(102, "as accepted"), (104, "DEARER"), (90, "cheaper: accept it with --update")],
)
def test_only_what_got_dearer_fails(counted: float, word: str) -> None:
    (verdict,) = instructions.judge({"send": counted}, {"send": 100}, 0.03)
    assert verdict.word == word


def test_a_path_that_is_no_longer_counted_is_an_error() -> None:
    with pytest.raises(instructions.CannotCount, match="recv"):
        instructions.judge({"send": 1}, {"send": 1, "recv": 1}, 0.03)


def test_figures_of_other_surroundings_serve_with_a_wide_margin() -> None:
    here = {"python": "3.11", "machine": "x86_64", "libc": "glibc 2.36"}
    document = {
        "margin": 0.03,
        "wide_margin": 0.25,
        "accepted": [{"surroundings": here, "paths": {"send": 1}}],
    }
    assert instructions.choose(document, here) == ({"send": 1}, 0.03)
    assert instructions.choose(document, {**here, "libc": "musl 1.2"}) == ({"send": 1}, 0.25)
    assert instructions.choose(document, {**here, "python": "3.12"}) == ({}, 0.25)


def test_accepting_replaces_the_figures_of_these_surroundings() -> None:
    here, there = {"python": "3.11"}, {"python": "3.12"}
    document: dict[str, Any] = {"accepted": []}
    for place, figure in ((there, 1.0), (here, 2.0), (here, 3.0)):
        instructions.accept(document, place, {"send": figure})
    assert [(e["surroundings"], e["paths"]) for e in document["accepted"]] == [
        (here, {"send": 3.0}), (there, {"send": 1.0}),
    ]  # fmt: skip


def test_accepted_figures_are_of_the_paths_that_are_counted() -> None:
    document = json.loads((BENCHMARKS / "instructions.json").read_text())
    source = (BENCHMARKS / "counted.py").read_text()
    assert document["accepted"]
    for entry in document["accepted"]:
        assert {"await recv", "poll, one of 100 ready", "send 16 B"} <= entry["paths"].keys()
        assert all(name.split(" ")[-1] in source for name in entry["paths"])


# --- every kind of work, once and tiny ------------------------------------------------------


def kinds() -> list[Cell]:
    """Return the smallest cell of every work and mode, over inproc and tcp where it has both."""
    smallest: dict[tuple[str, str, bool], Cell] = {}
    for cell in cells.CELLS:
        if cell.transport in ("", "inproc", "tcp"):
            smallest.setdefault((cell.work, cell.mode, cell.transport == "tcp"), cell)
    return list(smallest.values())


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fresh processes find the package that is under test."""
    monkeypatch.setenv("PYTHONPATH", str(Path(zmqlite.__file__).parents[1]))


def test_turns_of_few_messages_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a round may be of two messages; both ends take the same for enough."""
    monkeypatch.setattr(runner, "STALL_SECONDS", 10 * FACTOR)
    monkeypatch.setattr(runner, "_first_count", lambda cell: 2)
    found = runner.measure(Cell("turns", "tcp", 16, "single", 0), "zmqlite", 0, 0.0)
    assert found.count >= 2


@pytest.mark.parametrize("cell", kinds(), ids=lambda cell: cell.key)
def test_work_runs(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    """For zmqlite, and beside it the rival whose names it shares; the cell is made small."""
    monkeypatch.setattr(runner, "STALL_SECONDS", 30 * FACTOR)
    small = Cell(cell.work, cell.transport, cell.size, cell.mode, min(cell.number, 1000))
    for library in ("zmqlite", "pyzmq"):
        if library == "zmqlite" or (small.mode == "single" and small.supports(library)):
            found = runner.measure(small, library, 0, 0.001)
            assert found.cell == small.key
            assert found.count >= 1
            assert found.seconds > 0
            assert found.cpu > 0


def test_a_peer_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "STALL_SECONDS", 30 * FACTOR)
    nowhere = Cell("throughput", "inproc", 16, "no such mode")
    with pytest.raises(runner.Failed, match="no such mode"):
        runner.measure(nowhere, "zmqlite", 0, 0.001)


@pytest.fixture(scope="module")
def compiled_tools() -> Path:
    """Compile them outside the limit of a test: a busy machine needs a minute and more."""
    if not list((ROOT / "vendor" / "libzmq").glob("unpacked/*/perf")):
        pytest.skip("this copy has no unpacked libzmq")
    return cpptools.build()


def test_the_tools_of_libzmq_run(compiled_tools: Path) -> None:
    assert cpptools.build() == compiled_tools, "what is compiled is used again"
    for cell in (Cell("latency", "tcp", 16), Cell("messages", "inproc", 16, number=1000)):
        assert runner.measure(cell, "libzmq", 0, 0.001).count >= 2


def test_a_run_is_resumed(tmp_path: Path) -> None:
    """The second run keeps what the first has measured, and adds a round."""
    out = tmp_path / "out.json"
    command = [sys.executable, str(BENCHMARKS / "run.py"), "--cells", "wakeup/asyncio"]
    command += ["--seconds", "0.01", "--patience", "0", "--libraries", "zmqlite"]

    def run(*more: str) -> str:
        done = subprocess.run(
            [*command, "--out", str(out), *more],
            capture_output=True, text=True, check=False, env=os.environ, timeout=50 * FACTOR,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("--rounds", "1")
    first = json.loads(out.read_text())["samples"]
    tables = run("--rounds", "2", "--resume")
    both = json.loads(out.read_text())["samples"]
    assert [entry["round"] for entry in both] == [0, 1]
    assert both[:1] == first
    assert "| wakeup/asyncio |" in tables
    assert run("--table") == tables
