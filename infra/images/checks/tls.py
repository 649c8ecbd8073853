"""A server with TLS on loopback, which only tells who trusts it."""

import socket
import ssl
import threading
from pathlib import Path


class TlsServer:
    """Shakes hands with everybody, counts who went through with it, and hangs up."""

    def __init__(self, certificate: Path):
        self.trusted = 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                connection.settimeout(5)
                with self.context.wrap_socket(connection, server_side=True) as secured:
                    # With TLS 1.3 a client says last whether it trusts the server.
                    if secured.recv(1):
                        self.trusted += 1
            except OSError:
                connection.close()
