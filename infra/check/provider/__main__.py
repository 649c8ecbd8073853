"""Serves until its standard input is closed: python -m provider SCHEMA.json SOCKET.

Prints one line when it listens: the value of TF_REATTACH_PROVIDERS.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from tf.gen import tfplugin_pb2_grpc as rpc

from .schema import load
from .server import StandIn, reattach

# The whole schema is one message, and the default limit is 4 MB.
LIMIT = ("grpc.max_send_message_length", 64 << 20), ("grpc.max_receive_message_length", 64 << 20)


def main(schema: str, socket: str) -> None:
    """Serves."""
    server = grpc.server(ThreadPoolExecutor(max_workers=8), options=list(LIMIT))
    rpc.add_ProviderServicer_to_server(StandIn(load(Path(schema))), server)
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    print(reattach(socket, os.getpid()), flush=True)
    # Whoever started it holds the other end: it ends with its starter, however that ends.
    sys.stdin.read()
    server.stop(grace=0).wait()


if __name__ == "__main__":
    main(*sys.argv[1:3])
