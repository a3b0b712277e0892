"""What `zmqlite doctor` examines.

finding      what was found: fine, worth knowing, or wrong, and what to do
environment  the build, the limits of the system, messages over each transport
places       an address, and a CURVE key pair
"""
