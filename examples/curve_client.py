"""Ask a server that proves who it is: python curve_client.py KEY [ENDPOINT]

KEY is the public key that curve_server.py printed.
"""

import sys

import zmqlite as zmq

if len(sys.argv) < 2:
    sys.exit(__doc__)
endpoint = sys.argv[2] if len(sys.argv) > 2 else "tcp://127.0.0.1:5561"
public, secret = zmq.curve_keypair()

with zmq.Context() as context, context.socket(zmq.REQ) as client:
    client.linger = 0
    client.rcvtimeo = 5000
    client.curve_serverkey = sys.argv[1].encode()
    client.curve_publickey = public
    client.curve_secretkey = secret
    client.connect(endpoint)
    client.send_string("a secret")
    try:
        print("answer:", client.recv_string())
    except zmq.Again:
        sys.exit("no answer: is the key right?")
