// Every view, row and filter has an address: "#/slices?dataset=bbh&sort=-failure_rate".

import type { DayGap, Pair } from "./data/findings.ts";

export type Route = { view: string; parameters: Record<string, string> };

export function currentRoute(): Route {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  return {
    view: path || (document.documentElement.dataset.views?.split(" ")[0] ?? "overview"),
    parameters: Object.fromEntries(new URLSearchParams(query ?? "")),
  };
}

/** The address of a view. The chosen dataset and model stay chosen unless the parameters say otherwise. */
export function link(view: string, parameters: Record<string, string | number | null | undefined> = {}) {
  const { dataset, model } = chosenScope();
  return address(view, { dataset, model, ...parameters });
}

export function address(view: string, parameters: Record<string, string | number | null | undefined>) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return `#/${view}${text ? `?${text}` : ""}`;
}

/** Which dataset and model the whole page is limited to; "" is all. */
export function chosenScope() {
  const { dataset = "", model = "" } = currentRoute().parameters;
  return { dataset, model };
}

/** @returns whether it is about the chosen dataset and model */
export function inScope(row: { dataset: string; model?: string }): boolean {
  const { dataset, model } = chosenScope();
  return (!dataset || row.dataset === dataset) && (!model || !("model" in row) || row.model === model);
}

/** Note a filter in the address without drawing anything anew. */
export function note(changed: Record<string, string | number | null | undefined>) {
  const { view, parameters } = currentRoute();
  history.replaceState(null, "", address(view, { ...parameters, ...changed }));
}

/** Change a filter and draw the view anew. */
export function choose(changed: Record<string, string | number | null | undefined>) {
  const { view, parameters } = currentRoute();
  location.hash = address(view, { ...parameters, ...changed });
}

/** @param found a failure slice */
export function sliceLink(found: { dataset: string; model: string; slice_id: string }) {
  return address("slice", { dataset: found.dataset, model: found.model, id: found.slice_id });
}

export function exampleLink(dataset: string, exampleId: string) {
  return address("example", { dataset, id: exampleId });
}

export function categoryLink(id: string) {
  return link("category", { id });
}

export function pairLink(pair: Pair) {
  return address("pair", { dataset: pair.dataset, a: pair.model_a, b: pair.model_b });
}

/** @param gap with its day */
export function gapLink(gap: DayGap) {
  return address("gap", { day: gap.day, id: gap.gap_id });
}
