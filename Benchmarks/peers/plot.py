"""The results as a picture: how far ahead of each peer, and how batches and threads scale."""

from __future__ import annotations

import math
from pathlib import Path

from peers.cases import PEERS, SUITES_OF_ALL
from peers.peer import Case
from peers.results import Record, Results, measured, median_of_convnet
from peers.tables import Judged, judged

COLORS = dict(zip(
    ["convnet", *(peer.key for peer in PEERS)],
    ["#000000", "#d55e00", "#e69f00", "#cc79a7", "#0072b2", "#56b4e9", "#009e73"],
))
MARKERS = dict(zip([peer.key for peer in PEERS], "osD^vP"))


def write_plot(results: Results, path: Path) -> bool:
    """An SVG; false where nothing was measured."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    # Text as text, and the same file for the same results.
    pyplot.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "peers", "font.size": 9})
    rows = [row for suite in SUITES_OF_ALL for row in judged(results, suite)]
    curves = scaling(results)
    if not rows and not curves:
        return False
    heights = ([0.28 * len(rows) + 1.2] if rows else []) + [3.2] * math.ceil(len(curves) / 2)
    figure = pyplot.figure(figsize=(9, sum(heights)), layout="constrained")
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights)
    if rows:
        draw_ratios(figure.add_subplot(grid[0, :]), rows)
    first = 1 if rows else 0
    for index, (title, lines) in enumerate(curves.items()):
        draw_scaling(figure.add_subplot(grid[first + index // 2, index % 2]), title, lines)
    # One for all: a peer has the same color everywhere.
    named: dict[str, object] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels()):
            named.setdefault(label, handle)
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=len(named),
                  frameon=False, fontsize=8, columnspacing=1.2)
    unfinished = path.with_suffix(".unfinished")
    figure.savefig(unfinished, format="svg", metadata={"Date": None})
    unfinished.replace(path)
    pyplot.close(figure)
    return True


def draw_ratios(axes, rows: list[Judged]) -> None:
    from matplotlib.ticker import LogLocator

    for peer in PEERS:
        points = [
            (row.peers[peer.key].ratio(row.case), place)
            for place, row in enumerate(rows) if peer.key in row.peers
        ]
        if points:
            axes.scatter(
                *zip(*points), label=peer.name, color=COLORS[peer.key], marker=MARKERS[peer.key],
                s=26, zorder=3)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter("")
    axes.set_yticks(range(len(rows)), [row.case.name for row in rows])
    axes.invert_yaxis()
    axes.grid(axis="both", color="#dddddd", linewidth=0.6, which="both")
    axes.set_xlabel("ConvNet is so many times better (speed; time and memory inverted)")


#: Of one panel: peer, threads, and (batch, images a second).
Line = tuple[str, int, list[tuple[int, float]]]


def scaling(results: Results) -> dict[str, list[Line]]:
    """The panels of the scaling suite, by title."""
    points: dict[str, dict[tuple[str, int], list[tuple[int, float]]]] = {}

    def add(case: Case, key: str, value: float) -> None:
        panel = points.setdefault(f"{case.model}, {case.mode}", {})
        panel.setdefault((key, case.threads), []).append((case.batch, value))

    for case, peers in results.records.items():
        done: dict[str, Record] = measured(peers)
        if case.suite != "scaling" or not done:
            continue
        add(case, "convnet", median_of_convnet(done))
        for key, record in done.items():
            add(case, key, record.median())
    return {
        title: [(key, threads, sorted(line)) for (key, threads), line in panel.items()]
        for title, panel in points.items()
    }


def draw_scaling(axes, title: str, lines: list[Line]) -> None:
    names = {"convnet": "ConvNet", **{peer.key: peer.name for peer in PEERS}}
    for key, threads, line in lines:
        axes.plot(
            *zip(*line), color=COLORS[key], marker=".", linestyle="-" if threads == 2 else "--",
            linewidth=2 if key == "convnet" else 1.2, label=names[key] if threads == 2 else None)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_ylim(bottom=0)
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("batch (dashed: one thread)")
    axes.set_ylabel("images/s")
    axes.grid(color="#dddddd", linewidth=0.6)
