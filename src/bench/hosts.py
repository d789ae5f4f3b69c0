"""Trains the same model on one host and on several, in turn, and prints how much faster several are.

    python src/bench/hosts.py lstm                  # two processes of this machine, one core each; or rnn, gru
    python src/bench/hosts.py lstm --hosts 2 4 --turns 5
    python src/bench/hosts.py lstm --inside "ip netns exec h{}" --address "10.99.0.{}"

A host is a process on a core of its own. With --inside each runs in a network namespace of its own, numbered from 0, at the
address with that number plus 1. Every run has the same parts, so all must end with the same losses. Run it from the
repository's root.
"""

import argparse
import contextlib
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import compare
import programs

PORT = 7411


class Host:
    """A core of this machine, and where its processes run."""

    def __init__(self, number, inside, address):
        self.prefix = [word.format(number) for word in shlex.split(inside)]
        self.core = sorted(os.sched_getaffinity(0))[number % programs.THREADS]
        port = PORT if inside else PORT + number
        self.address = f"{address.format(number + 1)}:{port}"

    def start(self, words, **streams):
        command = [*self.prefix, *map(str, words)]
        return subprocess.Popen(command, preexec_fn=lambda: os.sched_setaffinity(0, {self.core}), **streams)

    def bytes_moved(self):
        """What its network interfaces have sent and received so far, loopback aside."""
        lines = subprocess.run([*self.prefix, "cat", "/proc/net/dev"], check=True, capture_output=True, text=True).stdout
        counts = [line.split(":")[1].split() for line in lines.splitlines() if ":" in line and line.split(":")[0].strip() != "lo"]
        return sum(int(count[8]) for count in counts), sum(int(count[0]) for count in counts)


@contextlib.contextmanager
def workers(hosts):
    processes = []
    try:
        for host in hosts:
            words = [programs.LIBRETTO, "worker", "--listen", host.address, "--insecure-network"]
            process = host.start(words, stderr=subprocess.PIPE, text=True)
            processes.append(process)
            while not (line := process.stderr.readline()).startswith("ready"):
                if not line:
                    raise SystemExit(f"hosts.py: the worker at {host.address} has not started")
        yield
    finally:
        for process in processes:
            process.terminate()
            process.wait()
            process.stderr.close()


def train(work, hosts, parts, epochs, folder):
    """Returns the seconds of a batch, the losses, the MB that the chief sent and received a batch, and the parameters."""
    settings = programs.SETTINGS[work]
    run = f"hosts-{len(hosts)}"
    burn_in = settings["burn_in"]
    words = [*programs.train_command(settings, run, burn_in + epochs), "--parts", parts]
    if len(hosts) > 1:
        words += ["--workers", ",".join(host.address for host in hosts[1:]), "--listen", hosts[0].address, "--insecure-network"]
    before = hosts[0].bytes_moved()
    process = hosts[0].start(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"hosts.py: {errors.splitlines()[-1]}")
    moved = [after - earlier for earlier, after in zip(before, hosts[0].bytes_moved())]
    header, *rows = (folder / run / "metrics.csv").read_text().splitlines()
    rows = [dict(zip(header.split(","), row.split(","))) for row in rows]
    text = len(programs.text_of(work))
    batches = text // (settings["T"] * settings["B"])
    seconds = [float(row["seconds"]) for row in rows[burn_in:]]
    parameters = int(re.search(r"([\d,]+) parameters", errors).group(1).replace(",", ""))
    moved = [count / (batches * len(rows)) / 1e6 for count in moved]
    return statistics.median(seconds) / batches, [row["loss"] for row in rows], moved, parameters


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=programs.SETTINGS)
    parser.add_argument("--hosts", type=int, nargs="+", default=[2], help="numbers of hosts to compare with one")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5, help="epochs that are measured")
    parser.add_argument("--inside", default="", metavar="COMMAND", help="what starts a host's processes; {} is its number")
    parser.add_argument("--address", default="127.0.0.1", help="of a host; {} is its number plus 1")
    parser.add_argument("--json", type=Path, metavar="FILE", help="file to write the figures to as well")
    arguments = parser.parse_args()
    hosts = [Host(number, arguments.inside, arguments.address) for number in range(max(arguments.hosts))]
    print(compare.machine(), f"{arguments.work}, {len(hosts)} parts", sep="\n", flush=True)
    results = {count: [] for count in [1, *arguments.hosts]}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "text.txt").write_text(programs.text_of(arguments.work), encoding="utf-8")
        with workers(hosts[1:]):
            time.sleep(1)
            for turn in range(arguments.turns):
                for count in results:
                    result = train(arguments.work, hosts[:count], len(hosts), arguments.epochs, folder)
                    results[count].append(result)
                    print(f"turn {turn + 1}: hosts: {count}: {result[0]:.4f} s", file=sys.stderr, flush=True)
    losses = {tuple(result[1]) for turns in results.values() for result in turns}
    print(f"{'hosts':>5} {'s/batch':>10} {'times as fast':>14} {'(spread)':>15} {'MB sent, received a batch':>27}")
    rows = {}
    for count, turns in results.items():
        gains = [one[0] / several[0] for one, several in zip(results[1], turns)]
        sent, received = (statistics.median(result[2][i] for result in turns) for i in (0, 1))
        rows[count] = {"seconds": statistics.median(result[0] for result in turns), "times_as_fast": statistics.median(gains)}
        rows[count] |= {"spread": [min(gains), max(gains)], "mb_sent": sent, "mb_received": received}
        spread = f"{min(gains):.2f} to {max(gains):.2f}"
        moved = f"{sent:.2f}, {received:.2f}" if count > 1 and arguments.inside else ""
        print(f"{count:5} {rows[count]['seconds']:10.4f} {rows[count]['times_as_fast']:14.2f} {spread:>15} {moved:>27}")
    print("all losses are equal" if len(losses) == 1 else "THE LOSSES DIFFER")
    if arguments.json:
        figures = {"machine": compare.machine(), "work": arguments.work, "parameters": results[1][0][3], "hosts": rows}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
