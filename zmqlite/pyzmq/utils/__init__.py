"""Small helpers that pyzmq offers beside its sockets."""
