"""Majordomo: the words of the protocol, RFC 7/MDP."""

C_CLIENT = b"MDPC01"
"""Opens every message between client and broker."""
W_WORKER = b"MDPW01"
"""Opens every message between worker and broker."""

W_READY = b"\1"
W_REQUEST = b"\2"
W_REPLY = b"\3"
W_HEARTBEAT = b"\4"
W_DISCONNECT = b"\5"
