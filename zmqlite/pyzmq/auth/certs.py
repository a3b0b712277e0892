"""Keys in files; see `zmqlite.certs`."""

from __future__ import annotations

from ...certs import create_certificates, load_certificate, load_certificates

__all__ = ["create_certificates", "load_certificate", "load_certificates"]
