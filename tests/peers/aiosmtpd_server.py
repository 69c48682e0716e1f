"""aiosmtpd_server.py FILE: Python's mail server; writes its port into FILE, and
prints SHA-256 and sender of each message that it takes."""
import asyncio
import hashlib
import pathlib
import sys

from aiosmtpd.smtp import SMTP


class Handler:
    async def handle_DATA(self, server, session, envelope):
        digest = hashlib.sha256(envelope.content).hexdigest()
        print(digest, envelope.mail_from, flush=True)
        return f"250 OK stored {len(envelope.content)} {digest}"


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler()), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pathlib.Path(sys.argv[1]).write_text(f"{port}\n")
    await server.serve_forever()


asyncio.run(serve())
