"""The part of the contract of the `interop` example that a client of ours asks for, served by python-socketio."""

import os

import socketio
from aiohttp import web

io = socketio.AsyncServer(
    async_mode="aiohttp",
    ping_interval=int(os.environ.get("PING_INTERVAL", "1000")) / 1000,
    ping_timeout=int(os.environ.get("PING_TIMEOUT", "800")) / 1000,
)


class Contract(socketio.AsyncNamespace):
    async def on_echo(self, sid, *args):
        return args if len(args) > 1 else args[0]

    async def on_burst(self, sid, n, size):
        for i in range(n):
            await self.emit("burst", (i, "p" * size), to=sid)
        return n

    async def on_call_me(self, sid, *args):
        reply = await self.call("please_ack", args, to=sid)
        return {"ok": True, "reply": list(reply)}

    async def on_kick(self, sid, close):
        await self.disconnect(sid)


for name in ["/", "/custom"]:
    io.register_namespace(Contract(name))
app = web.Application()
io.attach(app)
web.run_app(app, host=os.environ.get("HOST", "127.0.0.1"), port=int(os.environ["PORT"]), print=None)
