"""The demo: messages between real threads and processes, each of them counted and checked.

run         one pattern over one transport: a context, its sockets, its workers
patterns    REQ/REP, PUB/SUB, PUSH/PULL, ROUTER/DEALER, PAIR with CURVE
worker      the program of a worker process
command     the command `demo`
"""
