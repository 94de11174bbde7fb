"""Starts the server under test: SERVER is its command line, as a JSON list of strings."""

import itertools
import json
import os
import signal
import socket
import subprocess
import urllib.request


class Server:
    def __init__(self, port=None, **env):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            json.loads(os.environ["SERVER"]),
            env=os.environ | env | {"HOST": "127.0.0.1", "PORT": str(self.port)},
            stdout=subprocess.PIPE,
            text=True,
        )
        if not self.process.stdout.readline():
            self.process.kill()
            raise RuntimeError("the server did not get ready")

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=5) as response:
            return response.read().decode()

    def stats(self):
        return json.loads(self.get("/stats"))

    def stop(self):
        """Asks it to end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "killed"


# Below those that Linux gives to connections: one of these can be taken before the server listens.
FIRST_PORT, PORTS = 12_000, 20_000
COUNT = itertools.count(os.getpid() * 61)


def free_port():
    for count in COUNT:
        port = FIRST_PORT + count % PORTS
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
