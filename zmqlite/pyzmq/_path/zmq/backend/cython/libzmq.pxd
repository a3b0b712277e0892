from zmqlite._native.libzmq cimport *
