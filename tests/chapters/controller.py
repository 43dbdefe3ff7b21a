"""A temperature controller on Modbus TCP, written from its manual alone: nothing of ours is in it.

    controller.py LOG [--silent-file FILE]

Prints its port. Every answer has a temperature of its own (20.0, 20.1, 20.2 … °C, around and around), written
to LOG before it is sent, so that a record can be compared with what was really said. While FILE exists, it
does not answer.
"""

import itertools
import os
import socketserver
import struct
import sys
import threading

log = open(sys.argv[1], "a", buffering=1)
silent = sys.argv[3] if len(sys.argv) > 3 else ""
counts = itertools.count()
lock = threading.Lock()


def registers():
    with lock:
        temperature = 200 + next(counts) % 500
        log.write(f"{temperature // 10}.{temperature % 10}\n")
    return [temperature, 725, 413, 1]


class Connection(socketserver.BaseRequestHandler):
    def exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.request.recv(count - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data

    def handle(self):
        try:
            while True:
                transaction, protocol, length, unit = struct.unpack(">HHHB", self.exactly(7))
                body = self.exactly(length - 1)
                if silent and os.path.exists(silent):
                    continue
                self.request.sendall(self.answer(transaction, protocol, unit, body))
        except (ConnectionError, struct.error):
            pass

    def answer(self, transaction, protocol, unit, body):
        function = body[0]
        first, count = struct.unpack(">HH", body[1:5]) if len(body) == 5 else (0, 0)
        if function != 4:
            said = bytes([function | 0x80, 1])
        elif first + count > 4 or count == 0:
            said = bytes([function | 0x80, 2])
        else:
            words = registers()[first : first + count]
            said = bytes([function, 2 * count]) + struct.pack(f">{count}H", *words)
        return struct.pack(">HHHB", transaction, protocol, len(said) + 1, unit) + said


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


with Server(("127.0.0.1", 0), Connection) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
