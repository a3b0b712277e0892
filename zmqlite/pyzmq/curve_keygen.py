"""`python -m zmqlite.pyzmq.curve_keygen`: make a pair of CURVE keys and print it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from ..cli.output import Parser, guarded, write
from ..security import curve_keypair, curve_public


def _main(argv: Sequence[str] | None = None) -> int:
    """Print a new pair, or the pair of a given secret key, and return the exit status."""
    parser = Parser(
        prog="python3 -m zmq.curve_keygen",
        description="Make a pair of CURVE keys, in Z85.",
    )
    parser.add_argument("--json", action="store_true", help="print the keys as a JSON object")
    parser.add_argument("--secret", help="work out the public key of this secret key instead")
    options = parser.parse_args(argv)
    if options.secret is None:
        public, secret = (key.decode() for key in curve_keypair())
    else:
        secret = options.secret
        try:
            public = curve_public(secret).decode()
        except ValueError as error:
            parser.error(str(error))
    if options.json:
        write(json.dumps({"public": public, "secret": secret}, indent=1))
    else:
        write(f"== CURVE PUBLIC KEY ==\n{public}\n\n== CURVE SECRET KEY ==\n{secret}")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(_main))
