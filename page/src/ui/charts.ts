// Small drawings: a rate with its interval, a difference, a line over time.

import { el, svg } from "./dom.ts";
import { percent, percentRange } from "./format.ts";

/** A rate as a bar from 0 to 100 %, with its interval and something to compare it with. Numbers stand beside it as text. */
export function rateBar({
  rate,
  low,
  high,
  mark,
  wide = false,
}: {
  rate: number | null;
  low?: number | null;
  high?: number | null;
  mark?: number | null;
  wide?: boolean;
}) {
  if (rate === null) return null;
  const at = (share: number) => 100 * Math.min(1, Math.max(0, share));
  return svg(
    "svg",
    { class: wide ? "rate wide" : "rate", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "track", x: 0, y: 2, width: 100, height: 6 }),
    svg("rect", { class: "share", x: 0, y: 2, width: at(rate), height: 6 }),
    low !== undefined && low !== null && high !== undefined && high !== null
      ? svg("path", { class: "interval", d: `M${at(low)} 5H${at(high)}M${at(low)} 2.5V7.5M${at(high)} 2.5V7.5` })
      : null,
    mark !== undefined && mark !== null ? svg("path", { class: "mark", d: `M${at(mark)} 0V10` }) : null,
  );
}

export function rateCell(shown: {
  rate: number | null;
  low?: number | null;
  high?: number | null;
  mark?: number | null;
}) {
  const range = percentRange(shown.low, shown.high);
  return el(
    "span",
    { class: "rate-cell" },
    el("span", { class: "rate-number" }, percent(shown.rate), range && el("small", null, ` ${range}`)),
    rateBar(shown),
  );
}

/** Two rates above each other, and the interval of their difference laid around the first. */
export function twoRates(
  first: { label: string; rate: number; note: string },
  second: { label: string; rate: number; note: string },
) {
  const line = (one: typeof first, kind: string) => [
    el("span", { class: "two-label" }, one.label),
    el("span", { class: `two-bar ${kind}` }, rateBar({ rate: one.rate, wide: true })),
    el("span", { class: "two-number" }, el("strong", null, percent(one.rate)), el("small", null, ` ${one.note}`)),
  ];
  return el("div", { class: "two-rates" }, ...line(first, "strong"), ...line(second, "weak"));
}

/** A difference of two rates with its interval on an axis with zero in the middle. */
export function differenceBar({
  difference,
  low,
  high,
  left,
  right,
}: {
  difference: number;
  low: number | null;
  high: number | null;
  left: string;
  right: string;
}) {
  const reach = Math.max(0.1, Math.abs(difference), Math.abs(low ?? 0), Math.abs(high ?? 0)) * 1.1;
  const at = (value: number) => 50 + (50 * value) / reach;
  return el(
    "div",
    { class: "difference" },
    el("span", { class: "left" }, `← ${left}`),
    svg(
      "svg",
      { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("path", { class: "axis", d: "M0 5H100" }),
      svg("path", { class: "zero", d: "M50 0V10" }),
      low !== null && high !== null
        ? svg("rect", { class: "range", x: at(low), y: 3.5, width: Math.max(0.5, at(high) - at(low)), height: 3 })
        : null,
      svg("path", { class: "mark", d: `M${at(difference)} 1V9` }),
    ),
    el("span", { class: "right" }, `${right} →`),
  );
}

/** A share over time, with its range as a band. */
export function shareOverTime(
  series: { label: string; value: number | null; low?: number | null; high?: number | null }[],
  title: string,
) {
  const [width, height, left, bottom] = [640, 194, 58, 34];
  const x = (index: number) =>
    left + 8 + (series.length < 2 ? (width - left) / 2 : ((width - left - 56) * index) / (series.length - 1));
  const y = (share: number) => 10 + (height - bottom - 10) * (1 - share);
  const known = series.map((one, index) => ({ ...one, index })).filter((one) => one.value !== null);
  const banded = known.filter((one) => one.low !== undefined && one.low !== null);
  const upper = banded.map((one) => `${x(one.index)} ${y(one.high ?? 0)}`);
  const lower = banded.map((one) => `${x(one.index)} ${y(one.low ?? 0)}`).reverse();
  const step = Math.ceil(series.length / 7);
  const told = series.map((one) => `${one.label} ${percent(one.value)}`).join(", ");
  return svg(
    "svg",
    { class: "line", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title}: ${told}` },
    [0, 0.5, 1]
      .map((share) => [
        svg("path", { class: "grid", d: `M${left} ${y(share)}H${width}` }),
        svg("text", { x: left - 6, y: y(share) + 4, "text-anchor": "end" }, percent(share)),
      ])
      .flat(),
    series
      .map((one, index) => ({ one, index }))
      .filter(({ index }) => index % step === 0)
      .map(({ one, index }) => svg("text", { x: x(index), y: height - 6, "text-anchor": "middle" }, one.label)),
    banded.length > 1 ? svg("path", { class: "band", d: `M${[...upper, ...lower].join("L")}Z` }) : null,
    svg("path", {
      class: "stroke",
      d: known.length ? `M${known.map((one) => `${x(one.index)} ${y(one.value ?? 0)}`).join("L")}` : "",
    }),
    known.map((one) =>
      svg(
        "circle",
        { cx: x(one.index), cy: y(one.value ?? 0), r: 3 },
        svg("title", null, `${one.label}: ${percent(one.value)}`),
      ),
    ),
  );
}
