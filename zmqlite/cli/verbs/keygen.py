"""`keygen`: a pair of CURVE keys in two files."""

from __future__ import annotations

from pathlib import Path

import click

from ..._native.info import has
from ...certs import create_certificates, load_certificate
from ..command import SUCCESS, USAGE, CommandError
from ..output import complain, write
from ..shared.asking import quiet_option
from ..shared.verb import Example, option, verb

__all__ = ["keygen"]


@verb(
    "keygen",
    Example("Keys for a server, as server.key and server.key_secret", "zmqlite keygen server"),
    Example(
        "Keys for a client, with a remark, in a folder",
        "zmqlite keygen alice --dir keys --meta name=Alice",
    ),
)
@click.argument("name")
@option("--dir", "folder", default=".", type=click.Path(file_okay=False), metavar="FOLDER",
        help="Where the files go; it is made if it is not there.  [default: here]")  # fmt: skip
@option("--meta", multiple=True, metavar="NAME=VALUE", help="A remark, in the secret file.")
@option("--force", is_flag=True, help="Replace files that exist.")
@quiet_option
def keygen(name: str, folder: str, meta: tuple[str, ...], force: bool, quiet: bool) -> int:
    """Make keys.

    NAME.key has the public key, to be given away; NAME.key_secret has both, and only you may read
    it. Standard output is the public key. Files that exist stay as they are.
    """
    if not has("curve"):
        raise CommandError("this libzmq has no CURVE")
    if not name or Path(name).name != name or name == "..":
        raise CommandError(f"{name!r} is no name of a file; --dir says where it goes", USAGE)
    remarks: dict[str, str] = {}
    for remark in meta:
        key, equals, value = remark.partition("=")
        if not equals:
            raise CommandError(f"--meta takes NAME=VALUE, not {remark!r}", USAGE)
        remarks[key] = value
    for path in (Path(folder, f"{name}.key"), Path(folder, f"{name}.key_secret")):
        if path.exists() and not force:
            raise CommandError(f"{path} exists; --force replaces it", USAGE)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        public, secret = create_certificates(folder, name, remarks)
    except ValueError as error:
        raise CommandError(str(error), USAGE) from None
    except OSError as error:
        where = error.filename or folder
        raise CommandError(f"cannot write to {where}: {error.strerror or error}") from None
    if not quiet:
        complain(f"zmqlite: {public} is to be given away, {secret} is to be kept")
    write(load_certificate(public)[0].decode())
    return SUCCESS
