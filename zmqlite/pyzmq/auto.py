"""Importing this module makes `import zmq` mean zmqlite, as `zmqlite.pyzmq.install()` does.

One line at the very start of a program, or in a start-up file, is enough:

    import zmqlite.pyzmq.auto
"""

from ._activation import install

install()
