"""Measures `libretto serve` and a Flask server with the same weights in PyTorch, in turn, or soaks the first.

    python src/bench/serving.py gru                  # or rnn, lstm; --clients 1 8 64 256 --turns 3 --seconds 10
    python src/bench/serving.py soak --clients 64    # cancelled, slow, malformed and random requests among them

Clients are tasks of this process. Each sends a request as soon as the one before is answered, and reads the answer as a
stream. The soak records the server's resident memory, and prints how it grew in the second half. Run it from the
repository's root with a Python that has src/test/python/requirements.txt and Flask and aiohttp.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import aiohttp

import compare
import programs

PORT = 7511
URL = f"http://127.0.0.1:{PORT}"
JSON = {"Content-Type": "application/json"}
BURN_IN_SECONDS = 3
RECORD_EVERY = 2_500
SERVERS = {
    "Libretto": [programs.LIBRETTO, "serve", "--run", "start", "--listen", f"127.0.0.1:{PORT}"],
    "Flask, PyTorch": [sys.executable, programs.HERE / "pytorch_serving.py", ".", str(PORT)],
}


@contextlib.contextmanager
def server(name, folder, *options):
    """Runs a server in a folder that `programs.prepare` filled; gives its process."""
    process = subprocess.Popen([*SERVERS[name], *options], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(f"{URL}/healthz").close()
                break
            except urllib.error.URLError:
                if process.poll() is not None:
                    raise SystemExit(f"{name} has not started; run it alone in {folder} to see why")
                time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait()


def request(settings, draw, length):
    prompt = "".join(draw.choices(settings["vocabulary"], k=draw.randint(10, 50)))
    return {"model": "start", "prompt": prompt, "max_tokens": length, "temperature": 1, "seed": draw.getrandbits(31), "stream": True}


async def load(settings, clients, length, seconds):
    """Returns the requests and characters a second, and the median and 99th percentile of the time to the first character."""
    requests = characters = 0
    firsts = []
    began = time.perf_counter() + BURN_IN_SECONDS
    end = began + seconds

    async def client(number, session):
        nonlocal requests, characters
        draw = random.Random(number)
        while (start := time.perf_counter()) < end:
            async with session.post(f"{URL}/v1/completions", json=request(settings, draw, length)) as response:
                response.raise_for_status()
                first = False
                async for chunk in response.content.iter_any():
                    now = time.perf_counter()
                    if not first:
                        firsts.append(now - start)
                    first = True
                    if began < now < end:
                        characters += chunk.count(b'"text"')
            requests += began < time.perf_counter() < end

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(client(number, session) for number in range(clients)))
    firsts.sort()
    return requests / seconds, characters / seconds, statistics.median(firsts), firsts[int(0.99 * (len(firsts) - 1))]


def measure(arguments, folder):
    settings = programs.prepare(folder, arguments.work, 0, 0)
    figures = {}
    for turn in range(arguments.turns):
        for name in SERVERS:
            with server(name, folder):
                for clients in arguments.clients:
                    result = asyncio.run(load(settings, clients, arguments.length, arguments.seconds))
                    figures.setdefault((clients, name), []).append(result)
                    print(f"turn {turn + 1}: {clients} clients: {name}: {result[1]:.0f} characters/s", file=sys.stderr, flush=True)
    print(f"{'clients':>7}  {'server':15} {'requests/s':>10} {'characters/s':>12} {'(spread)':>18} {'first, p50':>11} {'p99':>9}")
    rows = []
    for (clients, name), turns in sorted(figures.items()):
        rates = [turn[1] for turn in turns]
        requests, characters, median, slowest = (statistics.median(column) for column in zip(*turns))
        spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
        print(f"{clients:7}  {name:15} {requests:10.1f} {characters:12,.0f} {spread:>18} {median * 1e3:8.1f} ms {slowest * 1e3:6.1f} ms")
        rows.append({"clients": clients, "server": name, "requests": requests, "characters": rates, "p50": median, "p99": slowest})
    return rows


class Soak:
    """Requests of every kind, and what came of them."""

    def __init__(self, settings, process):
        self.settings = settings
        self.process = process
        self.statuses = {}
        self.records = []

    async def answered(self, session, draw):
        body = request(self.settings, draw, draw.randint(1, 60)) | {"stream": draw.random() < 0.5, "n": draw.randint(1, 3)}
        async with session.post(f"{URL}/v1/completions", json=body) as response:
            answer = (await response.read()).decode()
            own = response.status != 200 or f'"seed":{body["seed"]}' in answer.replace(" ", "")
            return response.status if own else "the answer to another request"

    async def cancelled(self, session, draw):
        async with session.post(f"{URL}/v1/completions", json=request(self.settings, draw, 10_000)) as response:
            await response.content.readany()
            return response.status  # Leaving closes the connection.

    async def slow(self, session, draw):
        async with session.post(f"{URL}/v1/completions", json=request(self.settings, draw, 400)) as response:
            for _ in range(draw.randint(1, 5)):
                await response.content.read(40)
                await asyncio.sleep(0.1)
            return response.status

    async def wrong(self, session, draw):
        right = json.dumps(request(self.settings, draw, 10))
        body = draw.choice([
            right[: draw.randrange(1, len(right))],
            right.replace('"seed"', '"stop": [1], "seed"'),
            right.replace('"temperature": 1', '"temperature": -1'),
            right.replace('"max_tokens": 10', '"max_tokens": 1e99'),
            right.replace('"start"', '"../start"'),
            "[" * 5000,
            draw.randbytes(draw.randrange(1, 2000)),
        ])  # fmt: skip
        async with session.post(f"{URL}/v1/completions", data=body, headers=JSON) as response:
            await response.read()
            return response.status if response.status >= 400 else "answered all the same"

    async def noise(self, session, draw):
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        beginning = draw.choice([b"", b"GET / HTTP/1.1\r\n", b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999\r\n\r\n{"])
        with contextlib.suppress(ConnectionError):
            writer.write(beginning + draw.randbytes(draw.randrange(2000)))
            await writer.drain()
            if draw.random() < 0.5:
                writer.write_eof()
                await reader.read(1000)
        writer.close()
        return "raw bytes"

    async def client(self, number, session, numbers):
        draw = random.Random(number)
        kinds = [self.answered, self.cancelled, self.slow, self.wrong, self.noise]
        for _ in numbers:
            (kind,) = draw.choices(kinds, weights=[70, 10, 2, 13, 5])
            status = await kind(session, draw)
            key = f"{kind.__name__}: {status}"
            self.statuses[key] = self.statuses.get(key, 0) + 1
            if (done := sum(self.statuses.values())) % RECORD_EVERY == 0:
                self.record(done)

    def record(self, done):
        """Notes the server's resident memory after so many requests, in MiB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        self.records.append((done, pages * os.sysconf("SC_PAGESIZE") / 2**20))
        print(f"{done} requests, {self.records[-1][1]:.0f} MiB", flush=True)

    def growth(self):
        """Returns the least and most resident memory in the second half, and its growth in 100,000 requests, by least squares."""
        half = self.records[len(self.records) // 2 :]
        requests, resident = zip(*half)
        return min(resident), max(resident), statistics.linear_regression(requests, resident).slope * 100_000

    async def run(self, requests, clients):
        numbers = iter(range(requests))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            await asyncio.gather(*(self.client(number, session, numbers) for number in range(clients)))


def text(settings):
    """The answer to one request, which no other request may change."""
    body = request(settings, random.Random(1), 200) | {"stream": False}
    with urllib.request.urlopen(urllib.request.Request(f"{URL}/v1/completions", json.dumps(body).encode(), JSON)) as response:
        return json.load(response)["choices"][0]["text"]


def busy_rows():
    with urllib.request.urlopen(f"{URL}/metrics") as response:
        lines = response.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("libretto_rows_busy"))


def soak(arguments, folder):
    settings = programs.prepare(folder, "rnn", 0, 0)
    with server("Libretto", folder, "--state-cache", str(arguments.state_cache)) as process:
        before = text(settings)
        work = Soak(settings, process)
        asyncio.run(work.run(arguments.requests, arguments.clients[-1]))
        time.sleep(2)
        print(json.dumps(work.statuses, indent=2))
        if len(work.records) >= 4:
            least, most, growth = work.growth()
            print(f"second half: {least:.0f} to {most:.0f} MiB resident, {growth:+.1f} MiB in 100,000 requests")
        wrong = [key for key in work.statuses if key.split(": ")[1][0] not in "24r"]
        if wrong or busy_rows() or text(settings) != before:
            raise SystemExit(f"the soak failed: statuses {wrong}, busy rows {busy_rows()}, same text {text(settings) == before}")
    return work.statuses


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=[*programs.SETTINGS, "soak"])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64, 256], help="the soak has the last number")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--length", type=int, default=100, help="characters of an answer")
    parser.add_argument("--requests", type=int, default=100_000, help="of the soak")
    parser.add_argument("--state-cache", type=int, default=16, metavar="MIB", help="of the soak's server; it is soon full")
    parser.add_argument("--json", type=Path, metavar="FILE", help="file to write the figures to as well")
    arguments = parser.parse_args()
    print(compare.machine(), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        figures = (soak if arguments.work == "soak" else measure)(arguments, Path(temporary))
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": compare.machine(), "work": arguments.work, "figures": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
