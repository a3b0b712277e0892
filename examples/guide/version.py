"""Tell which libzmq is at work: the one inside zmqlite, not one of the system."""

import zmqlite as zmq

print("Current 0MQ version is", zmq.zmq_version())
