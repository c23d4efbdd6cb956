// Where the data come from: packed in this file, or, in a served page, from the server that sent it.

/** What the server wants to hear before it writes; empty where no server sent this page. */
const token = document.documentElement.dataset.token ?? "";
const served = token !== "";
// The address that opened this page bears the token; a cookie bears it from here on, and no history or link does.
if (new URLSearchParams(location.search).has("token")) history.replaceState(null, "", location.pathname + location.hash);

/** @type {Map<string, Promise<any>>} */
const loadedParts = new Map();

/**
 * Return one part of the report ("findings", "rows", "texts-3"); each is read once.
 * @param {string} name
 * @returns {Promise<any>}
 */
function loadPart(name) {
  let part = loadedParts.get(name);
  if (!part) {
    part = readPart(name);
    loadedParts.set(name, part);
    // What could not be read may be there the next time.
    part.catch(() => loadedParts.delete(name));
  }
  return part;
}

/** @param {string} name */
async function readPart(name) {
  if (served) return askServer(`parts/${encodeURIComponent(name)}`);
  const inlined = document.querySelector(`script[data-part="${CSS.escape(name)}"]`);
  if (!inlined) throw new Error(`this file has no part ${name}`);
  return JSON.parse(await unpacked(inlined.textContent ?? ""));
}

/** @typedef {Record<string, string | number | string[] | null | undefined>} Asked */

/**
 * Ask the server; what it says where it cannot answer is the error's message.
 * @param {string} path
 * @param {Asked} [parameters] a list is given as several values of one name
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
async function askServer(path, parameters = {}, signal) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") query.append(name, String(one));
    }
  }
  return answered(`${path}${query.size ? `?${query}` : ""}`, { signal });
}

/** @param {string} path @param {unknown} content @returns {Promise<any>} */
function tellServer(path, content) {
  const headers = { "content-type": "application/json", "x-faultmap-token": token };
  return answered(path, { method: "POST", headers, body: JSON.stringify(content) });
}

/** @param {string} path @param {RequestInit} request */
async function answered(path, request) {
  let answer;
  try {
    answer = await fetch(path, request);
  } catch (error) {
    if (request.signal?.aborted) throw error;
    throw new Error("The server does not answer: is faultmap view still running?");
  }
  const told = await answer.json().catch(() => null);
  if (!answer.ok || told === null) throw new Error(told?.error ?? `The server answered ${answer.status}.`);
  return told;
}

/**
 * The text of a zlib stream in base64.
 * @param {string} base64
 */
async function unpacked(base64) {
  const raw = atob(base64);
  const bytes = new Uint8Array(raw.length);
  for (let index = 0; index < raw.length; index++) bytes[index] = raw.charCodeAt(index);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
}
