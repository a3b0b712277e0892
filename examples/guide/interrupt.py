"""Ctrl-C while waiting: it ends `recv` as it ends everything else, with a KeyboardInterrupt."""

import zmqlite as zmq

with zmq.REP(bind="tcp://*:5558") as server:
    print("Starting up")
    try:
        while True:
            print(f'Message: "{server.recv_string()}"')
            server.send_string("Message received")
    except KeyboardInterrupt:
        print("Shutting down.")
