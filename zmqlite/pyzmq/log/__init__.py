"""Logging over PUB and SUB: `handlers` sends, `python -m zmq.log` shows."""
