// Where the data come from: packed in this file, or, in a served page, from the server that sent it.

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
  }
  return part;
}

/** @param {string} name */
async function readPart(name) {
  const inlined = document.querySelector(`script[data-part="${CSS.escape(name)}"]`);
  if (inlined) return JSON.parse(await unpacked(inlined.textContent ?? ""));
  const answer = await fetch(`parts/${encodeURIComponent(name)}`);
  if (!answer.ok) throw new Error(`part ${name}: the server answered ${answer.status}`);
  return answer.json();
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
