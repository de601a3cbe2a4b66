"""The results as Markdown, a table a suite, and which goals they miss."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from peers.cases import CASES, PEERS, SUITE_GOALS, SUITES
from peers.peer import Case
from peers.results import (
    Record, Results, best_peer, geometric_mean, key_of, measured, median_of_convnet,
)


@dataclass
class Judged:
    """A measured case beside its best peer, against which it is judged."""

    case: Case
    peers: dict[str, Record]
    best: str

    @property
    def ratio(self) -> float:
        return self.peers[self.best].ratio(self.case)

    @property
    def ours(self) -> float:
        return median_of_convnet(self.peers)

    @property
    def misses(self) -> bool:
        case = self.case
        return bool(
            (case.goal is not None and self.ratio < case.goal)
            or (case.limit is not None and self.ours > case.limit))


def judged(results: Results, suite: str) -> list[Judged]:
    rows = []
    for case in CASES:
        if case.suite != suite:
            continue
        peers = measured(results.records.get(key_of(case), {}))
        if peers:
            rows.append(Judged(case, peers, best_peer(case, peers)))
    return rows


def misses_a_goal(results: Results, suites: list[str]) -> bool:
    return any(
        any(row.misses for row in rows) or misses_mean(suite, rows)
        for suite in suites
        for rows in [judged(results, suite)]
    )


def misses_mean(suite: str, rows: list[Judged]) -> bool:
    goal = SUITE_GOALS.get(suite)
    return bool(goal and rows and geometric_mean([row.ratio for row in rows]) < goal)


def markdown(results: Results, suites: list[str]) -> str:
    """The tables of the suites that have results, below what they were measured with."""
    parts = [heading(results)]
    for suite in SUITES:
        rows = judged(results, suite) if suite in suites else []
        if rows:
            parts.append("\n".join(suite_lines(suite, rows)))
    return "\n\n".join(parts) + "\n"


def heading(results: Results) -> str:
    versions: dict[str, set[str]] = defaultdict(set)
    dates: set[str] = set()
    names = {peer.key: peer.name for peer in PEERS}
    for peers in results.records.values():
        for key, record in measured(peers).items():
            name = names.get(key, key)
            # The ways to use PyTorch are one package.
            versions["PyTorch" if key.startswith("pytorch") else name].add(record.version)
            versions["ConvNet build"].add(record.convnet)
            dates |= {pair["date"][:10] for pair in record.pairs}
    machine = results.machine
    used = ", ".join(f"{name} {' and '.join(sorted(texts))}" for name, texts in versions.items())
    when = " to ".join(dict.fromkeys([min(dates), max(dates)])) if dates else "never"
    return (
        f"{machine['processor']}, {machine['processors']} processors, {machine['memoryGiB']} GiB, "
        f"{machine['system']}; measured {when}. {used}.")


def suite_lines(suite: str, rows: list[Judged]) -> list[str]:
    shown = [peer for peer in PEERS if any(peer.key in row.peers for row in rows)]
    units = list(dict.fromkeys(row.case.unit for row in rows))
    has_goals = any(row.case.goal or row.case.limit for row in rows)
    header = [
        f"{suite}, {units[0]}" if len(units) == 1 else suite, "ConvNet",
        *(peer.name for peer in shown), "ratio to the bold", "range",
    ] + (["goal"] if has_goals else [])
    lines = [line_of(header), line_of(["---"] + ["---:"] * (len(header) - 1))]
    for row in rows:
        unit = "" if len(units) == 1 else f" {row.case.unit}"
        cells = [row.case.name, number(row.ours) + unit]
        for peer in shown:
            record = row.peers.get(peer.key)
            text = number(record.median()) + unit if record else ""
            cells.append(f"**{text}**" if peer.key == row.best else text)
        ratios = row.peers[row.best].ratios(row.case)
        cells += [f"{row.ratio:.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}"]
        lines.append(line_of(cells + ([goal_of(row)] if has_goals else [])))
    lines.append("")
    if all(row.case.is_rate for row in rows) and suite != "scaling":
        mean = geometric_mean([row.ratio for row in rows])
        goal = SUITE_GOALS.get(suite)
        verdict = "" if goal is None else f" (goal {goal:g}, {met(misses_mean(suite, rows))})"
        lines.append(f"Geometric mean of the ratios: {mean:.2f}{verdict}.")
    rounds = [len(record.pairs) for row in rows for record in row.peers.values()]
    counts = " to ".join(str(count) for count in dict.fromkeys([min(rounds), max(rounds)]))
    noun = "round" if counts == "1" else "rounds"
    lines.append(
        f"Medians of {counts} {noun}; the ratio is the median over pairs of a round. "
        f"{variants(shown, rows)}".rstrip())
    return lines


def goal_of(row: Judged) -> str:
    if row.case.limit is not None:
        return f"at most {row.case.limit:g} {row.case.unit}, {met(row.misses)}"
    if row.case.goal is None:
        return ""
    return f"{row.case.goal:.3g}, {met(row.misses)}"


def met(is_missed: bool) -> str:
    return "MISSED" if is_missed else "met"


def variants(shown: list, rows: list[Judged]) -> str:
    """Which way of running them was best, for ConvNet and peers that had a choice."""
    texts = []
    at_once = [
        row.case.name for row in rows
        if any(pair["convnet"]["details"].get("variant") == "a request a thread"
               for record in row.peers.values() for pair in record.pairs)
    ]
    if at_once:
        texts.append(f"ConvNet: a request a thread in {'; '.join(at_once)}; elsewhere one at a time.")
    for peer in shown:
        chosen: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            record = row.peers.get(peer.key)
            if record and len(peer.variants(row.case)) > 1:
                chosen[record.variant].append(row.case.name)
        for variant, names in chosen.items():
            where = "everywhere" if len(chosen) == 1 else "in " + "; ".join(names)
            texts.append(f"{peer.name}: {variant} {where}.")
    return " ".join(texts)


def line_of(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def number(value: float) -> str:
    """Three digits: more would be noise."""
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"
