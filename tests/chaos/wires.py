"""A wire between two parts that can be cut or slowed: a TCP proxy on 127.0.0.1, in a thread of its own.

`sites` lays one before a server; the processes that a fault is about are told its address instead of the server's.
A cut wire is silent, as a network is: connections stay open, new ones are taken, nothing comes through. What was sent
meanwhile arrives when it heals, unless somebody has hung up.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any

CHUNK = 1 << 16
HOST = "127.0.0.1"


class Wire:
    """`target`: the port behind it. `port`: its own, open until `close`."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._loop = asyncio.new_event_loop()
        self._whole = asyncio.Event()
        self._delay_s = 0.0
        #: bytes that came while it was cut, and while it was slow: whether a cut met anything
        self.held_bytes = 0
        self.late_bytes = 0
        self._carrying: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.port: int = self._do(self._open())

    def cut(self) -> None:
        """Let nothing through any more, in either direction."""
        self._call(self._whole.clear)

    def heal(self) -> None:
        """Let everything through again, at once."""
        self.slow(0.0)
        self._call(self._whole.set)

    def slow(self, delay_s: float) -> None:
        """Let everything arrive so much later, in each direction."""
        self._delay_s = delay_s

    def hang_up(self) -> int:
        """End every connection, on both sides; return how many there were. New ones are taken."""
        return int(self._do(self._hang_up()))

    def close(self) -> None:
        """Hang up on both sides."""
        self._do(self._close())
        self._call(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # --- the thread of its own -------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._whole.set()
        self._loop.run_forever()

    def _call(self, what: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(what)

    def _do(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()

    async def _open(self) -> int:
        self._server = await asyncio.start_server(self._joined, HOST, 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        self._server.close()
        await self._hang_up()

    async def _hang_up(self) -> int:
        carrying = list(self._carrying)
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)
        return len(carrying)

    async def _joined(self, near: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side hangs up."""
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        try:
            await self._whole.wait()
            far, ask = await asyncio.open_connection(HOST, self.target)
        except (OSError, asyncio.CancelledError):
            self._carrying.discard(task)
            answer.close()
            return
        both = [asyncio.ensure_future(self._carry(*way)) for way in ((near, ask), (far, answer))]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pass
        finally:
            self._carrying.discard(task)
            for way in both:
                way.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            for end in (ask, answer):
                end.close()

    def _count(self, size_bytes: int) -> None:
        if not self._whole.is_set():
            self.held_bytes += size_bytes
        elif self._delay_s:
            self.late_bytes += size_bytes

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Carry one direction. What is read keeps its order and is late by the delay of its moment."""
        late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        clock = self._loop.time

        async def read() -> None:
            with contextlib.suppress(OSError):
                while data := await source.read(CHUNK):
                    self._count(len(data))
                    late.put_nowait((clock() + self._delay_s, data))
            late.put_nowait((clock() + self._delay_s, b""))

        reading = asyncio.ensure_future(read())
        try:
            while True:
                due_s, data = await late.get()
                await asyncio.sleep(max(0.0, due_s - clock()))
                await self._whole.wait()
                if not data:
                    return
                sink.write(data)
                await sink.drain()
        except OSError:
            return
        finally:
            reading.cancel()
