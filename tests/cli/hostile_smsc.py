"""An SMSC that accepts a bind and then says something wrong. Written in octets, apart from our own codec, so that an
error of ours cannot play both sides.
"""

import socket
import struct
import threading

BIND_TRANSCEIVER, BIND_TRANSCEIVER_RESP = 0x00000009, 0x80000009
GENERIC_NACK, UNBIND, UNBIND_RESP = 0x80000000, 0x00000006, 0x80000006
DELIVER_SM, DELIVER_SM_RESP = 0x00000005, 0x80000005
HEAD = struct.Struct(">IIII")


def pdu(command, sequence, body=b"", status=0):
    return HEAD.pack(16 + len(body), command, status, sequence) + body


class HostileSmsc:
    """Accepts connections until closed. On each it answers the bind, says `words`, and keeps what comes back."""

    def __init__(self, words, *, hang_up=False):
        self._words = words
        self._hang_up = hang_up
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.binds = 0
        self.closed = 0
        self.answers = []  # (command, status, sequence) of what came after the words
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            try:
                self._talk(connection, stream)
            except (OSError, struct.error):
                pass
            finally:
                self.closed += 1

    def _talk(self, connection, stream):
        command, _, sequence = self._read(stream)
        assert command == BIND_TRANSCEIVER
        self.binds += 1
        connection.sendall(pdu(BIND_TRANSCEIVER_RESP, sequence, b"hostile\x00") + self._words)
        if self._hang_up:
            return
        while True:
            answer = self._read(stream)
            if answer[0] == UNBIND:
                connection.sendall(pdu(UNBIND_RESP, answer[2]))
                return
            self.answers.append(answer)

    def _read(self, stream):
        length, command, status, sequence = HEAD.unpack(stream.read(16))
        stream.read(length - 16)
        return command, status, sequence
