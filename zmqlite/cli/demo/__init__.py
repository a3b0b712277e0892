"""The demo: messages through real threads and processes, each of them counted and checked.

records      what a worker is told, what it reports, what a scenario proves
handles      the context and the sockets: those that block, and do not for ever
crew         workers as threads, workers as processes
stage        where one scenario plays: a context, a transport, a crew
roundtrip    the parts of request and reply that several scenarios share; REQ/REP; CURVE
pubsub       PUB/SUB with filtering
pipeline     PUSH/PULL task distribution
broker       ROUTER/DEALER between clients and workers
catalogue    every scenario, every role
worker       the program of a worker process
show         progress, the table, JSON
command      the command `demo`
"""
