"""`from zmqlite.pyzmq cimport Context, Frame, Socket, libzmq`; and from zmq, once activated."""

from zmqlite.pyzmq.backend.cython cimport Context, Frame, Socket, libzmq
