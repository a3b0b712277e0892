"""CURVE keys in files: what is written can be read, here, by pyzmq and by czmq's rules."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path
from unittest import mock

import pytest
from support import in_thread, needs_curve

import zmqlite as zmq
from zmqlite.certs import KeyFolder, create_certificates, load_certificate, load_certificates


@needs_curve
def test_a_pair_is_written_and_read(tmp_path: Path) -> None:
    public_file, secret_file = create_certificates(tmp_path, "alice", {"name": "Alice", "x": "é"})
    assert public_file == str(tmp_path / "alice.key")
    assert secret_file == str(tmp_path / "alice.key_secret")
    public, nothing = load_certificate(public_file)
    again, secret = load_certificate(Path(secret_file))
    assert public == again
    assert nothing is None
    assert secret is not None
    assert zmq.curve_public(secret) == public
    assert "name = Alice\n" in Path(secret_file).read_text("utf-8")
    assert secret.decode() not in Path(public_file).read_text("utf-8")
    assert "Alice" not in Path(public_file).read_text("utf-8")


@needs_curve
@pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")
def test_only_the_owner_may_read_the_secret(tmp_path: Path) -> None:
    secret = tmp_path / "a.key_secret"
    secret.write_text("")
    secret.chmod(0o644)  # an old one was open
    old = os.umask(0)
    try:
        create_certificates(tmp_path, "a")
    finally:
        os.umask(old)
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


@needs_curve
def test_names_and_metadata_stay_in_their_line(tmp_path: Path) -> None:
    for bad in ("two\nlines", "end\n", 'x\r    public-key = "y"'):
        with pytest.raises(ValueError, match="line break"):
            create_certificates(tmp_path, "a", {"name": bad})
        with pytest.raises(ValueError, match="line break"):
            create_certificates(tmp_path, bad)
    create_certificates(tmp_path, "{0}", {"public-key": "x" * 40, "{y}": "%s"})
    public, _ = load_certificate(tmp_path / "{0}.key_secret")
    assert public != b"x" * 40


def test_other_peoples_files(tmp_path: Path) -> None:
    file = tmp_path / "theirs.key"
    for text, keys in (
        ('curve\n    public-key = "abc"\n    secret-key = "def"\n', (b"abc", b"def")),
        ("#public-key = 'no'\n\tpublic-key='abc'\r\n", (b"abc", None)),
        ("metadata\n  public-key = no\ncurve\n  public-key = yes\n", (b"yes", None)),
    ):
        file.write_text(text)
        assert load_certificate(file) == keys
    file.write_text("curve\n")
    with pytest.raises(ValueError, match="no public key"):
        load_certificate(file)
    with pytest.raises(OSError, match="absent"):
        load_certificate(tmp_path / "absent.key")


@needs_curve
def test_a_folder(tmp_path: Path) -> None:
    made = {load_certificate(create_certificates(tmp_path, name)[0])[0] for name in "abc"}
    assert load_certificates(tmp_path) == dict.fromkeys(made, True)
    with pytest.raises(OSError, match="no folder"):
        load_certificates(tmp_path / "absent")
    (tmp_path / "broken.key").write_text("nothing")
    with pytest.raises(ValueError, match="broken"):
        load_certificates(str(tmp_path))


@needs_curve
@pytest.mark.skipif(os.name != "posix", reason="not everybody may make links on Windows")
def test_a_dangling_link_locks_out_nobody(tmp_path: Path) -> None:
    public, _ = load_certificate(create_certificates(tmp_path, "alice")[0])
    (tmp_path / "gone.key").symlink_to(tmp_path / "nowhere")
    log = logging.getLogger("test")
    with mock.patch.object(log, "error") as error:
        assert KeyFolder(tmp_path, log)("", public)
    assert "gone.key" in str(error.call_args_list)


@needs_curve
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_holds_up_nobody(tmp_path: Path) -> None:
    public = load_certificate(create_certificates(tmp_path, "one")[0])[0]
    os.mkfifo(tmp_path / "two.key")
    log = logging.getLogger("test")
    rule = in_thread(KeyFolder, tmp_path, log)()
    assert in_thread(rule.__call__, "", public)()
    assert in_thread(load_certificates, tmp_path)() == {public: True}


@needs_curve
def test_pyzmq_reads_and_writes_the_same(tmp_path: Path) -> None:
    theirs = pytest.importorskip("zmq.auth")
    ours, _ = create_certificates(tmp_path, "ours", {"a": "b"})
    assert theirs.load_certificate(ours) == load_certificate(ours)
    assert theirs.load_certificate(f"{ours}_secret") == load_certificate(f"{ours}_secret")
    for file in theirs.create_certificates(tmp_path, "theirs", metadata={"public-key": "x"}):
        public, secret = load_certificate(file)
        assert len(public) == 40
        assert secret is None or zmq.curve_public(secret) == public
    assert load_certificates(tmp_path) == theirs.load_certificates(tmp_path)
