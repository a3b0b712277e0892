"""A folder for sys.path in which `zmq` is found: a package that hands over to `zmqlite.pyzmq`.

Beside it lie the declarations for `from zmq cimport ...`, and the metadata by which tools see a
distribution called pyzmq. Programs that `python -m zmqlite.pyzmq run` starts, and all that they
start, have this folder on PYTHONPATH; a process where `zmq` was taken over has it on sys.path.
"""

FOLDER: str = __path__[0]
