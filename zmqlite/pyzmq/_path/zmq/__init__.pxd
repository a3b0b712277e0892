from zmqlite.pyzmq.backend.cython cimport Context, Frame, Socket, libzmq
