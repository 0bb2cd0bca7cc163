from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rabbitlab.relay import Relay


@contextlib.asynccontextmanager
async def relayed(answers: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection through a relay to a server that answers in capitals."""

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(100):
            writer.write(piece.upper())
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    broker = server.sockets[0].getsockname()
    spare = await asyncio.start_server(shout, "127.0.0.1", 0)
    address = spare.sockets[0].getsockname()
    spare.close()
    await spare.wait_closed()
    task = asyncio.create_task(Relay(address, broker, answers).run())
    try:
        yield await _connected(address)
    finally:
        task.cancel()
        server.close()


async def _connected(address: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for _ in range(200):
        with contextlib.suppress(OSError):
            return await asyncio.open_connection(*address)
        await asyncio.sleep(0.02)
    raise AssertionError("the relay does not listen")


async def _ask(pair: tuple[asyncio.StreamReader, asyncio.StreamWriter], text: bytes) -> float:
    start = time.monotonic()
    pair[1].write(text)
    assert await asyncio.wait_for(pair[0].read(100), 10) == text.upper()
    return time.monotonic() - start


def test_answers_pass_are_late_or_held_as_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "answers"

    async def story() -> None:
        async with relayed(file) as pair:
            await _ask(pair, b"no file means on time")
            file.write_text("0.5")
            assert await _ask(pair, b"late") >= 0.5
            file.write_text("hang")
            pair[1].write(b"held")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(reading := asyncio.ensure_future(pair[0].read(100))), 0.7)
            file.write_text("0")
            assert await asyncio.wait_for(reading, 10) == b"HELD"

    asyncio.run(story())


def test_nobody_listens_while_the_broker_is_down(tmp_path: Path) -> None:
    async def story() -> None:
        async with relayed(tmp_path / "answers") as pair:
            address = pair[1].get_extra_info("peername")
        lost = Relay(address, ("127.0.0.1", 1), tmp_path / "answers")
        task = asyncio.create_task(lost.run())
        await asyncio.sleep(0.3)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*address)
        task.cancel()

    asyncio.run(story())
