"""A live chart in a browser: python chart.py [ADDRESS] [PORT]

A PUB publishes two readings ten times a second over ws; the standard library serves the page that
subscribes to them. Beside this file must lie jszmq.js, which speaks ZeroMQ in the page:

    npm install jszmq url esbuild
    npx esbuild --bundle --format=iife --global-name=jszmq --define:global=window \
        --define:process.env.NODE_DEBUG=undefined --outfile=jszmq.js node_modules/jszmq
"""

import functools
import http.server
import math
import random
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import zmqlite as zmq

address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
port = int(sys.argv[2]) if len(sys.argv) > 2 else 8000
here = Path(__file__).parent


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def publish(publisher):
    level = 20.0
    while True:
        now = time.time()
        level += random.uniform(-0.4, 0.4) + 0.02 * (21 - level)
        publisher.send_multipart([b"oslo", b"%.3f %.2f" % (now, level)])
        publisher.send_multipart([b"lima", b"%.3f %.2f" % (now, 22 + 3 * math.sin(now / 3))])
        time.sleep(0.1)


with zmq.PUB(bind=f"ws://{address}:*", linger=0) as publisher:
    place = publisher.last_endpoint.decode()
    handler = functools.partial(Handler, directory=str(here))
    with http.server.ThreadingHTTPServer((address, port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = f"http://{address}:{server.server_address[1]}/chart.html#{place}"
        if not (here / "jszmq.js").exists():
            print(
                "jszmq.js is missing: the head of this file says how to make it", file=sys.stderr
            )
        print("open", page, flush=True)
        with suppress(KeyboardInterrupt):
            publish(publisher)
        server.shutdown()
