"""Starts the server under test: SERVER is its command line, as a JSON list of strings."""

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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
