"""A small HTTP server that remembers what gateways call: receipts and inbound texts of Kannel and Jasmin."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Sink:
    """`calls`: path and fields of each request, in order. Every one is answered with `answer`."""

    def __init__(self, answer: bytes = b"ACK/Jasmin") -> None:
        calls: list[tuple[str, dict[str, str]]] = []
        self.calls = calls

        class Handler(BaseHTTPRequestHandler):
            """Takes everything."""

            def do_GET(self) -> None:
                """A call with its fields in the query."""
                self._take(urlsplit(self.path).query)

            def do_POST(self) -> None:
                """A call with its fields in the body."""
                self._take(self.rfile.read(int(self.headers.get("content-length", 0))).decode())

            def _take(self, fields: str) -> None:
                found = parse_qs(fields, keep_blank_values=True)
                calls.append((urlsplit(self.path).path, {name: values[0] for name, values in found.items()}))
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: what was called is in `calls`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
