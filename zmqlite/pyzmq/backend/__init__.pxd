"""What the package cimports for its users."""
