# SPDX-License-Identifier: Apache-2.0
"""Bars of ratios on a logarithmic axis, as SVG: one group per load, one bar per side."""

import math

COLOURS = {
    "raw": "#4477aa",
    "uring": "#66ccee",
    "pass": "#228833",
    "btt": "#ee6677",
    "uring-btt": "#aa3377",
    "btt512": "#ccbb44",
}
WIDTH, LABELS, BAR, GAP, TOP = 860, 210, 9, 8, 40


def bars(results, names, against):
    """How many times as fast as `against` each of `names` is, for every load that both have."""
    groups = []
    for load in results.rounds:
        group = [(n, r) for n in names if (r := results.ratio(load, n, against)) is not None]
        if group:
            groups.append((load, group))
    most = max([r for _, group in groups for _, r in group], default=10)
    low, high = -1, max(1, math.ceil(math.log10(most)))
    plot = WIDTH - LABELS - 60

    def x(ratio):
        return LABELS + plot * (max(math.log10(max(ratio, 0.1)), low) - low) / (high - low)

    parts, y = [], TOP
    for load, group in groups:
        middle = y + BAR * len(group) / 2 + 4
        parts.append(f'<text x="{LABELS - 8}" y="{middle:.0f}" text-anchor="end">{load}</text>')
        for name, ratio in group:
            start, end = sorted((x(1), x(ratio)))
            parts.append(
                f'<rect x="{start:.1f}" y="{y}" width="{max(end - start, 1):.1f}" height="{BAR - 1}" fill="{COLOURS[name]}"/>'
                f'<text x="{end + 3:.1f}" y="{y + BAR - 1}" font-size="9">{ratio:.2g}</text>'
            )
            y += BAR
        y += GAP
    axis = []
    for power in range(low, high + 1):
        at = x(10.0**power)
        axis.append(
            f'<line x1="{at:.1f}" y1="{TOP - 6}" x2="{at:.1f}" y2="{y}" stroke="{"#333" if power == 0 else "#ddd"}"/>'
            f'<text x="{at:.1f}" y="{TOP - 10}" text-anchor="middle">{10.0**power:g}</text>'
        )
    keys = "".join(
        f'<rect x="{LABELS + 90 * i}" y="6" width="10" height="10" fill="{COLOURS[name]}"/>'
        f'<text x="{LABELS + 90 * i + 14}" y="15">{name}</text>'
        for i, name in enumerate(names)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 10}" font-family="sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="white"/><text x="6" y="15">times {against}</text>{keys}'
        + "".join(axis)
        + "".join(parts)
        + "</svg>\n"
    )
