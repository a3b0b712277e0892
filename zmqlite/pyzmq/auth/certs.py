"""Keys in files; see `zmqlite.certificates`."""

from __future__ import annotations

from ...certificates import create_certificates, load_certificate, load_certificates

__all__ = ["create_certificates", "load_certificate", "load_certificates"]
