"""Draw figures with matplotlib, as PNG inside Markdown for the Dagster UI."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

INK, FAINT, FAILED, PASSED = "#37474f", "#c3ccd1", "#c2410c", "#94a9b4"
HIGHLIGHTS = ("#c2410c", "#0f766e", "#6d28d9", "#b45309", "#1d4ed8", "#be185d", "#4d7c0f", "#0e7490")
_MAX_POINTS = 20_000
_MAX_LINES = 20

Interval = tuple[float, float | None, float | None]


def score_histogram(scores: NDArray[np.float64], threshold: float) -> str:
    """Return Markdown with a histogram of the scores, failures in another colour."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 2.4))
    axes = figure.subplots()
    known = scores[~np.isnan(scores)]
    if len(known):
        edges = np.linspace(known.min(), max(known.max(), known.min() + 1e-9), 21)
        counts, _ = np.histogram(known, edges)
        colors = [FAILED if center < threshold else PASSED for center in (edges[:-1] + edges[1:]) / 2]
        axes.bar(edges[:-1], counts, width=np.diff(edges), align="edge", color=colors)
        axes.axvline(threshold, color=INK, linewidth=1, linestyle="--")
    axes.set_xlabel("score (dashed: success threshold)")
    axes.set_ylabel("examples")
    return _markdown(figure, axes)


def prompt_map(places: NDArray[np.float32], labels: NDArray[np.int64]) -> str:
    """Return Markdown with the 2-D map of a dataset's prompts, coloured by cluster."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.5))
    axes = figure.subplots()
    shown = slice(None, None, max(1, len(places) // _MAX_POINTS))
    axes.scatter(places[shown, 0], places[shown, 1], c=labels[shown] % 20, cmap="tab20", s=5, linewidths=0)
    _bare(axes)
    return _markdown(figure, axes)


def slice_map(places: NDArray[np.float32], failed: NDArray[np.float64], members: Mapping[str, Sequence[int]]) -> str:
    """Return Markdown with the map of one model's examples, its slices lit.

    Args:
        places: (n, 2) one place per example.
        failed: (n,) 1.0, 0.0 or nan.
        members: slice name -> positions of its examples.
    """
    figure, axes = _slice_figure(places, failed, members)
    return _markdown(figure, axes)


def _slice_figure(
    places: NDArray[np.float32], failed: NDArray[np.float64], members: Mapping[str, Sequence[int]]
) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5))
    axes = figure.subplots()
    axes.scatter(places[:, 0], places[:, 1], s=6, color=FAINT, linewidths=0, rasterized=len(places) > 2000)
    for number, (name, rows) in enumerate(list(members.items())[: len(HIGHLIGHTS)]):
        chosen = np.asarray(rows, dtype=np.int64)
        lost = chosen[failed[chosen] == 1.0]
        color = HIGHLIGHTS[number]
        axes.scatter(places[chosen, 0], places[chosen, 1], s=14, facecolors="none", edgecolors=color, linewidths=0.6)
        axes.scatter(places[lost, 0], places[lost, 1], s=14, color=color, linewidths=0, label=_shortened(name))
    if members:
        # parse_math off: a `$` in a name is a dollar sign.
        legend = axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False)
        for text in legend.get_texts():
            text.set_parse_math(False)
            text.set_color(INK)
    _bare(axes)
    return figure, axes


def interval_chart(names: Sequence[str], intervals: Sequence[Interval], meaning: str) -> str:
    """Return Markdown with one line per name: a figure with its interval, against a dashed zero.

    Args:
        names: what the figures are of; the first ones are shown.
        intervals: (figure, lower end, upper end); an end that is None is open.
    """
    from matplotlib.figure import Figure

    shown = list(zip(names, intervals, strict=True))[:_MAX_LINES]
    figure = Figure(figsize=(6, 0.9 + 0.28 * len(shown)))
    axes = figure.subplots()
    for row, (_, (figure_itself, low, high)) in enumerate(shown):
        if low is not None and high is not None:
            axes.plot([low, high], [row, row], color=PASSED, linewidth=2, solid_capstyle="butt")
        axes.plot([figure_itself], [row], "o", color=INK, markersize=5)
    axes.axvline(0.0, color=INK, linewidth=1, linestyle="--")
    _name_lines(axes, [name for name, _ in shown])
    axes.set_xlabel(meaning, color=INK, fontsize=8)
    return _markdown(figure, axes)


def bar_chart(names: Sequence[str], counts: Sequence[int], meaning: str) -> str:
    """Return Markdown with one bar per name; the first ones are shown."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    shown = min(len(names), _MAX_LINES)
    figure = Figure(figsize=(6, 0.9 + 0.28 * shown))
    axes = figure.subplots()
    axes.barh(range(shown), list(counts[:shown]), color=PASSED, height=0.6)
    _name_lines(axes, names[:shown])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(meaning, color=INK, fontsize=8)
    return _markdown(figure, axes)


def _name_lines(axes: Any, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [_shortened(name) for name in names])
    for text in axes.get_yticklabels():
        text.set_parse_math(False)
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)


def _shortened(name: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in name)
    return printable if len(printable) <= 40 else printable[:39] + "…"


def _bare(axes: Any) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _markdown(figure: Any, axes: Any) -> str:
    axes.tick_params(colors=INK, labelsize=8)
    for name in ("top", "right"):
        axes.spines[name].set_visible(False)
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure.savefig(stream, format="png", dpi=110, bbox_inches="tight", metadata={"Software": None})
    return f"![](data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()})"
