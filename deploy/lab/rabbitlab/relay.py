"""A tiny TCP relay that answers late or never: `python -m rabbitlab.relay LISTEN_HOST:PORT BROKER_HOST:PORT FILE`.

FILE says how, and is read anew for every piece: seconds by which what the broker says is held back, or `hang`.
Requests pass at once. The relay listens only while the broker does, so a broker that is down refuses connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_PIECE = 65536
_LOOK_AGAIN = 0.2


class Relay:
    """One listening port before one broker port."""

    def __init__(self, listen: tuple[str, int], broker: tuple[str, int], answers: Path) -> None:
        self._listen, self._broker, self._answers = listen, broker, answers
        self._gone = asyncio.Event()

    async def run(self) -> None:
        """Listen whenever the broker does, for ever."""
        while True:
            if await self._broker_listens():
                self._gone.clear()
                server = await asyncio.start_server(self._serve, *self._listen)
                try:
                    await self._gone.wait()
                finally:
                    server.close()
            await asyncio.sleep(_LOOK_AGAIN)

    def delay(self) -> float | None:
        """Seconds to hold an answer back, None for ever. A missing or half-written file means no delay."""
        try:
            word = self._answers.read_text(encoding="ascii").strip()
            return None if word == "hang" else float(word)
        except (OSError, ValueError):
            return 0.0

    async def _broker_listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(*self._broker)
        except OSError:
            return False
        writer.close()
        return True

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            broker, to_broker = await asyncio.open_connection(*self._broker)
        except OSError:
            self._gone.set()
            to_client.transport.abort()
            return
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        directions = [self._ask(client, to_broker), self._listen_to(broker, pieces), self._answer(pieces, to_client)]
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(*directions)
        for writer in (to_broker, to_client):
            writer.close()

    async def _ask(self, client: asyncio.StreamReader, to_broker: asyncio.StreamWriter) -> None:
        while piece := await client.read(_PIECE):
            to_broker.write(piece)
            await to_broker.drain()
        to_broker.write_eof()

    async def _listen_to(self, broker: asyncio.StreamReader, pieces: asyncio.Queue[tuple[float, bytes]]) -> None:
        while True:
            piece = await broker.read(_PIECE)
            await pieces.put((time.monotonic(), piece))
            if not piece:
                return

    async def _answer(self, pieces: asyncio.Queue[tuple[float, bytes]], to_client: asyncio.StreamWriter) -> None:
        """Each piece goes out `delay` after it came, so a long answer is late once and not once a piece."""
        while True:
            came, piece = await pieces.get()
            await self._until_due(came)
            if not piece:
                to_client.close()
                return
            to_client.write(piece)
            await to_client.drain()

    async def _until_due(self, came: float) -> None:
        while True:
            delay = self.delay()
            left = _LOOK_AGAIN if delay is None else came + delay - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(left, _LOOK_AGAIN))


def _address(text: str) -> tuple[str, int]:
    host, port = text.rsplit(":", maxsplit=1)
    return host, int(port)


def main(arguments: Sequence[str]) -> None:
    """LISTEN BROKER FILE, as in the module's docstring."""
    listen, broker, answers = arguments
    asyncio.run(Relay(_address(listen), _address(broker), Path(answers)).run())


if __name__ == "__main__":
    main(sys.argv[1:])
