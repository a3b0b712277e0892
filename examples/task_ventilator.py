"""Deal out tasks, numbers to be squared: python task_ventilator.py [TASKS] [SINK] [N] [WORKERS]

Start task_sink.py and some task_worker.py too, in any order. It begins when WORKERS are there (1
unless you say more), since those that come later get none of what was dealt out before; and the
end of the program waits until everything has been sent.
"""

import sys

import zmqlite as zmq

tasks = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5557"
sink = sys.argv[2] if len(sys.argv) > 2 else "tcp://127.0.0.1:5558"
count = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
fewest = int(sys.argv[4]) if len(sys.argv) > 4 else 1

with (
    zmq.Context() as context,
    context.socket(zmq.PUSH) as workers,
    context.socket(zmq.PUSH) as collector,
):
    print("dealing on", workers.bind(tasks), flush=True)
    collector.connect(sink)
    collector.send_string(f"count {count}")
    workers.wait_peers(fewest)
    for number in range(1, count + 1):
        workers.send_string(str(number))
    print("dealt", *(peer.messages_out for peer in workers.stats().peers))
