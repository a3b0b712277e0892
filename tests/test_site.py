"""The site as a reader has it: built without a warning, whole, and fit for every screen.

Needs Sphinx with its theme (`pip install -e '.[docs]'`); what looks at pages needs Chromium too.
Each page is opened without a head at the width of a desk and at that of a telephone, and none may
be wider than the screen: tables and code scroll inside.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR

import zmqlite as zmq
from zmqlite import options

for needed in ("sphinx", "furo", "myst_parser"):
    pytest.importorskip(needed)

DOCS = Path(__file__).resolve().parents[1] / "docs"
if not (DOCS / "conf.py").is_file():
    pytest.skip("this copy has no docs", allow_module_level=True)
WIDTHS = (1280, 390)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site; a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    env = {**os.environ, "PYTHONPATH": str(Path(zmq.__file__).parents[1])}
    done = subprocess.run(
        [*words, "-d", str(folder / "trees"), str(DOCS), str(folder / "html")],
        capture_output=True, text=True, check=False, env=env, timeout=120 * FACTOR,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "html"


# -- nothing public is missing --------------------------------------------------------------------


@pytest.fixture(scope="module")
def inventory(site: Path) -> set[str]:
    """The names that other sites can link to."""
    _, _, _, _, packed = (site / "objects.inv").read_bytes().split(b"\n", 4)
    lines = zlib.decompress(packed).decode().splitlines()
    return {line.split(" py:")[0] for line in lines if " py:" in line}


def own_members(cls: type) -> Iterator[str]:
    """Yield the public members of a class that are ours."""
    for name in dir(cls):
        owner = next((c for c in cls.__mro__ if name in vars(c)), object)
        if not name.startswith("_") and owner.__module__.startswith("zmqlite"):
            yield name


def public_names() -> Iterator[str]:
    """Yield every public name with its place: of zmqlite, its event loops, auth and certs."""
    for name in zmq.__all__:
        yield f"zmqlite.{name}"
        for member in getattr(getattr(zmq, name), "__members__", ()):
            yield f"zmqlite.{name}.{member}"
    for kind in ("Context", "Socket", "Frame", "MessageTracker", "Poller", "Steering"):
        for member in own_members(getattr(zmq, kind)):
            yield f"zmqlite.{kind}.{member}"
    for part in ("auth", "certs", "metrics"):
        module = import_module(f"zmqlite.{part}")
        for name in module.__all__:
            yield f"zmqlite.{part}.{name}"
    for loop in ("asyncio", "trio", "green"):
        try:
            module = import_module(f"zmqlite.{loop}")
        except ImportError:
            continue
        yield from names_of_a_loop(module)


def names_of_a_loop(module: Any) -> Iterator[str]:
    """Yield what a module for an event loop has that is its own."""
    types = {"SocketType", *zmq.SocketType.__members__}  # as everywhere, but for what they make
    for name in {*zmq.__all__, *getattr(module, "__all__", ()), "set_fairness"} - types:
        own = getattr(getattr(module, name, None), "__module__", None) or ""
        if own.startswith(module.__name__):
            yield f"{module.__name__}.{name}"


def test_nothing_public_is_missing(inventory: set[str]) -> None:
    spelled = {name.lower() for name in inventory}  # options have names in both cases
    missing = [name for name in public_names() if name.lower() not in spelled]
    assert missing == [], "give them a place in docs/reference"


def test_anchors_of_constants_are_there(site: Path) -> None:
    text = (site / "reference" / "constants.html").read_text(encoding="utf-8")
    for name in ("LINGER", "SocketOption.LINGER", "SocketType.REQ", "REQ"):
        assert text.count(f'id="zmqlite.{name}"') == 1, name


def test_signatures_have_types(site: Path) -> None:
    """Also those of compiled code, which come from its stub."""
    for page, name in (("socket", "Socket.send"), ("socket", "Socket.recv"), ("proxy", "proxy")):
        text = (site / "reference" / f"{page}.html").read_text(encoding="utf-8")
        found = re.search(rf'id="zmqlite.{name}">(.*?)</dt>', text, re.DOTALL)
        assert found, name
        assert "sig-return" in found[1], name
        assert ":" in re.sub("<.*?>", "", found[1]), name


def untyped(text: str) -> Iterator[str]:
    """Yield the signatures of a page that lack a type: what is returned, or of an attribute."""
    for kind, lines in re.findall(
        r'<dl class="py (\w+)">\s*((?:<dt class="sig .*?</dt>\s*)+)', text, re.DOTALL
    ):
        mark = {"function": "→", "method": "→", "attribute": "[:=]", "property": ":"}.get(kind, "")
        for line in re.findall(r"<dt.*?</dt>", lines, re.DOTALL):
            shown = " ".join(html.unescape(re.sub("<.*?>", "", line)).split())
            # a type variable that stands once says nothing, nor do arguments that are passed on
            if (
                not re.search(mark, shown)
                or "*_args" in shown
                or len(re.findall(r"\b_[A-Z]\w*T\b", shown)) == 1
            ):
                yield shown


@pytest.mark.parametrize("page", sorted(p.stem for p in (DOCS / "reference").glob("*.md")))
def test_nothing_lacks_its_type(site: Path, page: str) -> None:
    text = (site / "reference" / f"{page}.html").read_text(encoding="utf-8")
    assert list(untyped(text)) == []


def test_every_option_has_an_anchor(site: Path) -> None:
    text = (site / "options.html").read_text(encoding="utf-8")
    missing = [row.name for row in options.SOCKET_OPTIONS
               if f'id="option-{row.name.lower()}"' not in text]  # fmt: skip
    assert missing == []


# -- on a screen ----------------------------------------------------------------------------------

MEASURE = """
<script>
const out = [], pages = %s, frame = document.createElement("iframe");
document.body.append(frame);
function next() {
  if (!pages.length) { document.title = "done"; document.body.innerText = JSON.stringify(out);
    return; }
  const [page, width] = pages[0].split("@");
  pages.shift();
  frame.style.cssText = `width: ${width}px; height: 900px; border: 0`;
  frame.onload = () => {
    const root = frame.contentDocument.documentElement, wide = [];
    for (const each of frame.contentDocument.querySelectorAll("article *")) {
      let box = each, inside = false;
      for (box = each.parentElement; box; box = box.parentElement)
        if (["auto", "scroll", "hidden"].includes(
          frame.contentWindow.getComputedStyle(box).overflowX) && box.tagName != "BODY"
          && box.tagName != "HTML" && !box.matches("article, .main, .content, .page"))
          inside = true;
      if (!inside && each.getBoundingClientRect().right > width)
        wide.push(each.tagName + " " + each.textContent.trim().slice(0, 60));
    }
    out.push([page, width, root.scrollWidth, wide.slice(0, 3)]);
    next();
  };
  frame.src = page;
}
next();
</script>
"""


def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        pytest.skip("no Chromium: apt install chromium")
    return found


def too_wide(program: str, folder: Path, scratch: Path) -> list[Any]:
    """Open every page of a folder at each width; return those that are wider, and what is."""
    pages = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.html"))
    places = [f"{page}@{width}" for page in pages for width in WIDTHS]
    probe = folder / "measure.html"
    probe.write_text(f"<body>{MEASURE % json.dumps(places)}</body>")
    done = subprocess.run(
        [program, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
         "--virtual-time-budget=600000", "--window-size=1400,1000", f"--user-data-dir={scratch}",
         "--dump-dom", probe.as_uri()],
        capture_output=True, text=True, check=False, timeout=150 * FACTOR,
    )  # fmt: skip
    probe.unlink()
    found = re.search(r"\[\[.*\]\]", done.stdout, re.DOTALL)
    assert found, done.stdout[-2000:] + done.stderr[-2000:]
    seen = json.loads(html.unescape(found[0]))
    assert len(seen) == len(places)
    return [(page, width, *what) for page, width, whole, what in seen if whole > int(width)]


def test_no_page_is_wider_than_the_screen(site: Path, tmp_path: Path) -> None:
    assert too_wide(browser(), site, tmp_path) == []


def test_what_is_too_wide_is_seen(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    for name, style in {"fits": "overflow: auto", "wide": ""}.items():
        inside = '<p style="width: 600px">a table</p>'
        body = f'<body><article><div style="{style}">{inside}</div></article></body>'
        (folder / f"{name}.html").write_text(body)
    found = too_wide(browser(), folder, tmp_path / "profile")
    assert found == [("wide.html", "390", "P a table")]
