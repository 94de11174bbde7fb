"""One face for the clients of python-socketio, so that each case is written once.

CLIENT=threads uses `socketio.Client`, CLIENT=asyncio uses `socketio.AsyncClient` on a loop of its own; the
interpreter has the line 5 of the package, or the line 4, which speaks revision 4 on Engine.IO revision 3.
"""

import asyncio
import os
import queue
import threading
import time
import urllib.parse

import engineio.payload
import socketio

# Unless told otherwise the client refuses replies to a poll that hold more than 16 packets.
engineio.payload.Payload.max_decode_packets = 10_000

LEGACY = hasattr(socketio.packet, "ERROR")
PATIENCE = 8
TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": ["polling", "websocket"]}


class Late(Exception):
    """Something did not happen in time."""


def until(what, look, within=PATIENCE):
    """Asks again until `look` gives something true, and returns it."""
    end = time.monotonic() + within
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise Late(f"waited {within} s for {what}")
        time.sleep(0.01)


def everything(asynchronous):
    """A handler of a namespace that hears every event, as line 4 has it."""

    class Everything(socketio.AsyncClientNamespace if asynchronous else socketio.ClientNamespace):
        def __init__(self, namespace, hear):
            super().__init__(namespace)
            self.hear = hear

        def trigger_event(self, event, *args):
            return self.hear(event, *args)

    class EverythingAsync(Everything):
        async def trigger_event(self, event, *args):
            return self.hear(event, *args)

    return EverythingAsync if asynchronous else Everything


class Peer:
    """A connection, by whichever client is under test."""

    def __init__(self, url, transport, **options):
        self.url = url
        self.transports = TRANSPORTS[transport]
        self.heard = {}
        self.refusals = {}
        self.reasons = queue.Queue()
        self.answers = {}
        self.connected = []
        self.loop = None
        options = {"reconnection": False, "reconnection_delay": 0.1, "randomization_factor": 0} | options
        if not LEGACY:
            options["handle_sigint"] = False
        if os.environ.get("CLIENT", "threads") == "asyncio":
            self.loop = asyncio.new_event_loop()
            self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
            self.thread.start()
            self.client = socketio.AsyncClient(**options)
        else:
            self.client = socketio.Client(**options)

    def _run(self, result):
        """The value of a call, awaited on the loop where the client is asynchronous."""
        if self.loop is None:
            return result
        return asyncio.run_coroutine_threadsafe(result, self.loop).result(PATIENCE)

    def _hear(self, namespace):
        def any_event(event, *args):
            self.heard.setdefault((namespace, event), queue.Queue()).put(args)
            answer = self.answers.get(event)
            return answer(*args) if answer else None

        def refused(data=None):
            self.refusals[namespace] = data

        def disconnected(reason=None):
            self.reasons.put((namespace, reason))

        def connected():
            self.connected.append(self.sid(namespace))

        if LEGACY:
            own = {"connect": connected, "connect_error": refused, "disconnect": disconnected}
            hear = lambda event, *args: own[event](*args) if event in own else any_event(event, *args)
            return self.client.register_namespace(everything(self.loop is not None)(namespace, hear))
        self.client.on("*", any_event, namespace=namespace)
        self.client.on("connect", connected, namespace=namespace)
        self.client.on("connect_error", refused, namespace=namespace)
        self.client.on("disconnect", disconnected, namespace=namespace)

    def connect(self, namespaces=("/",), auth=None, wait=True, query=""):
        for namespace in namespaces:
            self._hear(namespace)
        if LEGACY:
            return self._connect_implicitly(namespaces, auth, wait, query)
        self._run(
            self.client.connect(
                self.url + query,
                transports=self.transports,
                namespaces=list(namespaces),
                auth=auth,
                wait=wait,
                wait_timeout=PATIENCE,
            )
        )
        return self

    def _connect_implicitly(self, namespaces, auth, wait, query):
        """The main namespace comes by itself; who wants to be let into another says so in its query."""
        if "/" not in namespaces:
            self._hear("/")
        said = "?" + urllib.parse.urlencode(auth) if auth else ""
        others = [namespace + said for namespace in namespaces if namespace != "/"]
        self._run(self.client.connect(self.url + query, transports=self.transports, namespaces=others))
        if wait:
            wanted = {self.sid(namespace) for namespace in namespaces}
            until("the namespaces", lambda: self.refusals or wanted <= set(self.connected))
        if wait and self.refusals:
            raise socketio.exceptions.ConnectionError(str(self.refusals))
        return self

    def sid(self, namespace="/"):
        if LEGACY:
            return self.client.eio.sid if namespace == "/" else f"{namespace}#{self.client.eio.sid}"
        return self.client.get_sid(namespace)

    @property
    def transport(self):
        return self.client.transport() if callable(self.client.transport) else self.client.transport

    def emit(self, event, *args, namespace="/"):
        self._run(self.client.emit(event, tuple(args), namespace=namespace))

    def ask(self, event, *args, namespace="/"):
        """Emits and waits for the ack: its arguments, as a list."""
        answered = queue.Queue()
        self._run(
            self.client.emit(event, tuple(args), namespace=namespace, callback=lambda *answer: answered.put(answer))
        )
        try:
            return list(answered.get(timeout=PATIENCE))
        except queue.Empty:
            raise Late(f"no ack of {event}") from None

    def value(self, event, *args, namespace="/"):
        """As `ask`, its first argument."""
        return self.ask(event, *args, namespace=namespace)[0]

    def next(self, event, namespace="/"):
        """The arguments of the next event of this name not taken yet, as a list."""
        try:
            return list(self.heard.setdefault((namespace, event), queue.Queue()).get(timeout=PATIENCE))
        except queue.Empty:
            raise Late(f"no event {event}") from None

    def all(self, event, namespace="/"):
        """Everything received under this name and not taken yet."""
        waiting = self.heard.get((namespace, event), queue.Queue())
        return [list(waiting.get()) for _ in range(waiting.qsize())]

    def reason(self, *expected):
        """Waits until the main namespace is left, for one of these reasons; the reason. Before line 5 nobody says it."""
        try:
            namespace, reason = self.reasons.get(timeout=PATIENCE)
        except queue.Empty:
            raise Late("no disconnect") from None
        assert namespace == "/" and (LEGACY or reason in expected), (namespace, reason)
        return reason

    def comes_back(self, times):
        """Whether the client connects by itself until it was connected so many times."""
        try:
            return until("the reconnection", lambda: len(self.connected) >= times, within=1.5)
        except Late:
            return False

    def disconnect(self):
        self._run(self.client.disconnect())

    def close(self):
        self.client.reconnection = False
        try:
            if self.client.eio.state == "connected" or self.client.connected:
                self.disconnect()
        finally:
            if self.loop is not None:
                self.loop.call_soon_threadsafe(self.loop.stop)
                self.thread.join(PATIENCE)
