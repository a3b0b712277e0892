"""The C API of libzmq, as far as a header goes: types, constants, prototypes.

libzmq itself is inside zmqlite's compiled core and shows nothing of itself, so its functions are
for those who link a libzmq of their own.
"""

from zmqlite._native.libzmq cimport *
