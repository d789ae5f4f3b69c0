"""Draws how much faster several hosts train over the rate of the network between them: what hosts.py measured, and reckoned.

    python src/bench/hosts_plot.py docs/hosts.png 10=ten.json 1=one.json loopback=loopback.json

Each file is from hosts.py --json, with the rate of its network in Gbit/s. It needs matplotlib.
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

COLORS = {2: "#1f77b4", 4: "#d95f02", 8: "#2ca02c"}
RATES = [10 ** (i / 50) for i in range(-50, 101)]  # 0.1 to 100 Gbit/s


def reckoned(hosts, seconds, megabytes, gigabits):
    """How many times as fast if each host computes its share and then sends and receives 2 · S · (N − 1) / N bytes."""
    return seconds / (seconds / hosts + 2 * megabytes * (hosts - 1) / hosts / (gigabits * 125))


def main():
    out, *files = sys.argv[1:]
    measured = {rate: json.loads(Path(file).read_text()) for rate, file in (argument.split("=") for argument in files)}
    any_file = next(iter(measured.values()))
    megabytes = any_file["parameters"] * 4 / 1e6
    ones = sorted(figures["hosts"]["1"]["seconds"] for figures in measured.values())
    seconds = ones[len(ones) // 2]

    pyplot.rcParams.update({"font.family": "sans-serif", "font.size": 11, "axes.edgecolor": "#404040"})
    figure, axes = pyplot.subplots(figsize=(9, 5.4), dpi=100, layout="constrained")
    axes.set_title(f"Hosts of one core: {seconds:.2f} s a batch on one, {megabytes:.1f} MB of parameters", fontweight="bold")
    axes.set_xlabel("rate of the network in Gbit/s")
    axes.set_ylabel("times as fast as one host")
    axes.set_xscale("log")
    axes.grid(color="#e6e6e6")
    axes.set_axisbelow(True)
    for hosts, color in COLORS.items():
        axes.plot(RATES, [reckoned(hosts, seconds, megabytes, rate) for rate in RATES], color=color, label=f"{hosts} hosts, reckoned")
    for rate, figures in measured.items():
        for hosts, row in figures["hosts"].items():
            if hosts == "1":
                continue
            x, y = (RATES[-1] if rate == "loopback" else float(rate)), row["times_as_fast"]
            error = [[y - row["spread"][0]], [row["spread"][1] - y]]
            style = {"color": COLORS[int(hosts)], "marker": "o", "capsize": 4, "clip_on": False}
            axes.errorbar(x, y, yerr=error, **style)
            name = "no network: " if rate == "loopback" else ""
            axes.annotate(f"{name}{y:.2f}", (x, y), textcoords="offset points", xytext=(-8, -14), ha="right")
    axes.errorbar([], [], yerr=[], color=COLORS[2], marker="o", linestyle="", capsize=4, label="2 hosts, measured: median and spread")
    axes.axhline(1, color="#808080", linewidth=1, linestyle="--")
    axes.set_xlim(RATES[0], RATES[-1])
    axes.set_ylim(bottom=0)
    axes.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    axes.legend(loc="upper left", frameon=False)
    figure.savefig(out)


if __name__ == "__main__":
    main()
