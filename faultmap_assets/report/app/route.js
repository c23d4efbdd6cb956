// Every view, row and filter has an address: "#/slices?dataset=bbh&sort=-failure_rate".

/** @typedef {{view: string, parameters: Record<string, string>}} Route */

/** @returns {Route} */
function currentRoute() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  return { view: path || (document.documentElement.dataset.views?.split(" ")[0] ?? "overview"), parameters: Object.fromEntries(new URLSearchParams(query ?? "")) };
}

/**
 * The address of a view. The chosen dataset and model stay chosen unless the parameters say otherwise.
 * @param {string} view
 * @param {Record<string, string | number | null | undefined>} [parameters]
 */
function link(view, parameters = {}) {
  const { dataset, model } = chosenScope();
  return address(view, { dataset, model, ...parameters });
}

/**
 * @param {string} view
 * @param {Record<string, string | number | null | undefined>} parameters
 */
function address(view, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return `#/${view}${text ? `?${text}` : ""}`;
}

/** Which dataset and model the whole page is limited to; "" is all. */
function chosenScope() {
  const { dataset = "", model = "" } = currentRoute().parameters;
  return { dataset, model };
}

/** @param {Row} row @returns {boolean} whether it is about the chosen dataset and model */
function inScope(row) {
  const { dataset, model } = chosenScope();
  return (!dataset || row.dataset === dataset) && (!model || !("model" in row) || row.model === model);
}

/**
 * Note a filter in the address without drawing anything anew.
 * @param {Record<string, string | number | null | undefined>} changed
 */
function note(changed) {
  const { view, parameters } = currentRoute();
  history.replaceState(null, "", address(view, { ...parameters, ...changed }));
}

/**
 * Change a filter and draw the view anew.
 * @param {Record<string, string | number | null | undefined>} changed
 */
function choose(changed) {
  const { view, parameters } = currentRoute();
  location.hash = address(view, { ...parameters, ...changed });
}

/** @param {Row} found a failure slice */
function sliceLink(found) {
  return address("slice", { dataset: found.dataset, model: found.model, id: found.slice_id });
}

/** @param {string} dataset @param {string} exampleId */
function exampleLink(dataset, exampleId) {
  return address("example", { dataset, id: exampleId });
}

/** @param {string} id */
function categoryLink(id) {
  return link("category", { id });
}

/** @param {Row} pair */
function pairLink(pair) {
  return address("pair", { dataset: pair.dataset, a: pair.model_a, b: pair.model_b });
}
