"""docs/assertions.md lists every assertion of the patched libzmq, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

VENDOR = Path(__file__).resolve().parents[1] / "vendor"
if not (VENDOR / "assertions.py").is_file():
    pytest.skip("needs a checkout", allow_module_level=True)
sys.path.insert(0, str(VENDOR))

import assertions  # noqa: E402

SOURCE = r"""
#define zmq_assert(x) do { if (!(x)) zmq_abort (#x); } while (false)
namespace zmq {
class a_t {
  public:
    void inside () { zmq_assert (_x); }
};
}
zmq::a_t::a_t (int x_) :
    _x (x_), _y (0)
{
    // zmq_assert (commented);
    errno_assert (rc == 0 || (rc == -1
                              && errno == EAGAIN));
    puts ("{ zmq_assert (text)");
}
#ifdef A
zmq::a_t::~a_t () {
#else
zmq::a_t::~a_t () /* { */ {
#endif
    if (true) {
        alloc_assert (_y);
    }
    alloc_assert (_y);
}
static int after (int *x_)
{
    return 0;
    zmq_assert (x_);
}
"""
PAGE = r"""
There are 5 places with them.

| Class | Meaning | Places | Here |
|---|---|---|---|
| U | never | 3 | 2 |
| P | a peer | 0 | 0 |
| S | the system | 2 | 2 |
| L | misuse | 0 | 0 |

| File | Assertions and their functions | Class | Reason |
|---|---|---|---|
| `a.cpp` | `errno_assert (rc == 0 \|\| (rc == -1 && errno == EAGAIN))`: a_t | U | so it is |
| `a.cpp` | `zmq_assert (_x)`: inside | U | (Windows) so it is |
| `a.cpp` | `zmq_assert (x_)`: after | U | so it is |
| `a.cpp` | `alloc_assert (_y)`: ~a_t ×2 | S | no memory |
"""


@pytest.fixture
def found(tmp_path: Path) -> list[assertions.Assertion]:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.cpp").write_text(SOURCE)
    return assertions.assertions(tmp_path)


def test_every_assertion_of_the_patched_source_is_listed() -> None:
    tree = assertions.unpacked()
    if tree is None:
        pytest.skip("no source that the build unpacked with all of our patches")
    page, engine = (one.read_text("utf-8") for one in (assertions.PAGE, assertions.ENGINE))
    assert assertions.differences(assertions.assertions(tree), page, engine) == []


def test_assertions_are_found_with_their_functions(found: list[assertions.Assertion]) -> None:
    assert [(one.function, one.text) for one in found] == [
        ("inside", "zmq_assert (_x)"),
        ("a_t", "errno_assert (rc == 0 || (rc == -1 && errno == EAGAIN))"),
        ("~a_t", "alloc_assert (_y)"),
        ("~a_t", "alloc_assert (_y)"),
        ("after", "zmq_assert (x_)"),
    ]


def test_a_list_that_is_right_has_no_differences(found: list[assertions.Assertion]) -> None:
    assert assertions.differences(found, PAGE) == []


def test_what_is_new_and_what_is_gone_is_named(found: list[assertions.Assertion]) -> None:
    moved = found[1]._replace(function="elsewhere")
    assert assertions.differences([*found[:1], moved, *found[2:]], PAGE) == [
        f"new: a.cpp, elsewhere: {moved.text}",
        f"gone: a.cpp, a_t: {moved.text}",
    ]
    assert assertions.differences(found[:3] + found[4:], PAGE) == [
        "gone: a.cpp, ~a_t: alloc_assert (_y)"
    ]


def test_a_row_needs_a_class_and_a_reason_and_the_counts_are_right(
    found: list[assertions.Assertion],
) -> None:
    page = PAGE.replace("| S | no memory |", "| X | |")
    assert assertions.differences(found, page) == [
        "a.cpp: no class for `alloc_assert (_y)`: ~a_t ×2",
        "a.cpp: no reason for `alloc_assert (_y)`: ~a_t ×2",
        "the summary has (2, 2) for S, the list (0, 0)",
    ]


def test_a_sum_in_a_sentence_is_right(found: list[assertions.Assertion]) -> None:
    page = PAGE.replace("There are 5", "There are 1,005")
    engine = """
lists all of them, 6 places in the patched source

| cannot be reached | 3 | 2 |
| a peer can reach it | 0 (pgm and norm) | 0 |
| depends on the system | 2 | 1 |
| misuse from within | 0 | 0 |
"""
    assert assertions.differences(found, page, engine) == [
        "the summary has ['1,005'] places, the list 5",
        "engine.md has (2, 1) for S, the list (2, 2)",
        "engine.md has ['6'] places, the list 5",
    ]
