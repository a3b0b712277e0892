"""Takes pictures of pages of the built site: `python docs/screens.py SITE FOLDER [PAGE ...]`.

Each page at the width of a desk and of a telephone, in light and in dark, with Chromium. To look
at; `tests/test_site.py` measures the same pages.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PAGES = (
    "index", "quickstart", "patterns/publish-subscribe", "patterns/index", "howto/brokers",
    "troubleshooting", "options", "reference/socket", "reference/constants", "performance",
    "porting-from-pyzmq", "porting-from-ruby",
)  # fmt: skip
SIZES = {"desk": (1280, 1600), "phone": (390, 1600)}
SCHEMES = {"light": "1", "dark": "0"}


def main() -> None:
    site, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not program:
        sys.exit("no Chromium: apt install chromium")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for page in sys.argv[3:] or PAGES:
            for size, (width, height) in SIZES.items():
                for scheme, number in SCHEMES.items():
                    name = f"{page.replace('/', '-')}-{size}-{scheme}.png"
                    take(program, site, page, (width, height), number, folder / name, scratch)


def take(
    program: str, site: Path, page: str, size: tuple[int, int], scheme: str, to: Path, scratch: str
) -> None:
    """Take one picture. The page stands in a frame, as windows have a least width."""
    width, height = size
    frame = Path(scratch, "frame.html")
    frame.write_text(
        f'<body style="margin:0"><iframe src="{(site / page).as_uri()}.html" '
        f'style="width:{width}px;height:{height}px;border:0"></iframe>'
    )
    subprocess.run(
        [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         f"--blink-settings=preferredColorScheme={scheme}", "--allow-file-access-from-files",
         f"--user-data-dir={scratch}/profile", f"--window-size={max(width, 500)},{height}",
         f"--screenshot={to}", frame.as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip


if __name__ == "__main__":
    main()
