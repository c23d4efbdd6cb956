// Elements and numbers. Text from outside goes in as text nodes and nothing else; no other file makes elements.

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element. A function among the attributes listens to the event that its name names.
 * @param {string} tag
 * @param {Attributes | null} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  dress(made, attributes);
  made.append(...nodes(children));
  return made;
}

/**
 * Make an element of a drawing.
 * @param {string} tag
 * @param {Attributes | null} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {SVGElement}
 */
function svg(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  dress(made, attributes);
  made.append(...nodes(children));
  return made;
}

/**
 * @param {Element} made
 * @param {Attributes | null} [attributes]
 */
function dress(made, attributes) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") {
      made.addEventListener(name, value);
      continue;
    }
    // Only places in this page are linked to: no text from outside becomes an address.
    if (name === "href" && !String(value).startsWith("#")) throw new Error(`not a place in this page: ${value}`);
    made.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * @param {(Child | Child[])[]} children
 * @returns {(Node | string)[]}
 */
function nodes(children) {
  return children
    .flat()
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/** @param {number | null | undefined} share in [0, 1] */
function percent(share) {
  if (share === null || share === undefined) return "–";
  const hundred = 100 * share;
  if (hundred > 0 && hundred < 0.05) return "< 0.1%";
  if (hundred > 0 && hundred < 0.95) return `${hundred.toFixed(1)}%`;
  return hundred < 100 && hundred > 99 ? `${hundred.toFixed(1)}%` : `${Math.round(hundred)}%`;
}

/** @param {number | null | undefined} low @param {number | null | undefined} high */
function percentRange(low, high) {
  if (low === null || low === undefined || high === null || high === undefined) return "";
  return `${Math.round(100 * low)}–${Math.round(100 * high)}%`;
}

/** @param {number | null | undefined} difference of two shares */
function points(difference) {
  if (difference === null || difference === undefined) return "–";
  const rounded = Math.round(100 * difference);
  return `${rounded > 0 ? "+" : rounded < 0 ? "−" : ""}${Math.abs(rounded)}`;
}

/** @param {number | null | undefined} p */
function pValue(p) {
  if (p === null || p === undefined) return "–";
  return p < 0.0001 ? "< 0.0001" : p.toPrecision(2).replace(/^(0\.\d*?)0+$/, "$1");
}

/** @param {number | null | undefined} number */
function count(number) {
  return number === null || number === undefined ? "–" : number.toLocaleString("en-US");
}

/** @param {number | null | undefined} number */
function figure(number) {
  if (number === null || number === undefined) return "–";
  if (Number.isInteger(number)) return count(number);
  return Math.abs(number) >= 100 ? count(Math.round(number)) : String(Number(number.toPrecision(3)));
}

/** @param {number} number @param {string} one @param {string} [several] */
function counted(number, one, several) {
  return `${count(number)} ${number === 1 ? one : (several ?? `${one}s`)}`;
}

/** @param {string} text @param {number} most */
function shortened(text, most) {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= most ? line : `${line.slice(0, most - 1).trimEnd()}…`;
}

/** A name as people read it: "no_error_found" is "no error found". @param {string} name */
function spoken(name) {
  return name.replaceAll("_", " ");
}

/**
 * A value that decides the order: numbers before their absence, texts as people sort them.
 * @param {unknown} a
 * @param {unknown} b
 */
function compareValues(a, b) {
  const [missingA, missingB] = [a === null || a === undefined, b === null || b === undefined];
  if (missingA || missingB) return Number(missingA) - Number(missingB);
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}
