"""What stands in files and comes from elsewhere is as fresh as what it comes from."""

from __future__ import annotations

import pytest
import written_out


@pytest.mark.parametrize("name", written_out.FILES)
def test_it_is_what_would_be_written_today(name: str) -> None:
    text = (written_out.PACKAGE / name).read_text(encoding="utf-8")
    assert text == written_out.FILES[name](), "run python tests/written_out.py"
