from zmqlite.pyzmq.backend.cython._zmq cimport Context, Frame, Socket
