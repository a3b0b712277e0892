"""The classes, under the name of pyzmq's compiled module."""

from zmqlite.pyzmq.backend.cython._zmq cimport Context, Frame, Socket
