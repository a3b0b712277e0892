"""A place for the declarations of pyzmq's backend."""
