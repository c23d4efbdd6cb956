// Numbers, shares and names as people read them.

/** @param share in [0, 1] */
export function percent(share: number | null | undefined) {
  if (share === null || share === undefined) return "–";
  const hundred = 100 * share;
  if (hundred > 0 && hundred < 0.05) return "< 0.1%";
  if (hundred > 0 && hundred < 0.95) return `${hundred.toFixed(1)}%`;
  return hundred < 100 && hundred > 99 ? `${hundred.toFixed(1)}%` : `${Math.round(hundred)}%`;
}

export function percentRange(low: number | null | undefined, high: number | null | undefined) {
  if (low === null || low === undefined || high === null || high === undefined) return "";
  return `${Math.round(100 * low)}–${Math.round(100 * high)}%`;
}

export function pValue(p: number | null | undefined) {
  if (p === null || p === undefined) return "–";
  return p < 0.0001 ? "< 0.0001" : p.toPrecision(2).replace(/^(0\.\d*?)0+$/, "$1");
}

export function count(number: number | null | undefined) {
  return number === null || number === undefined ? "–" : number.toLocaleString("en-US");
}

export function figure(number: number | null | undefined) {
  if (number === null || number === undefined) return "–";
  if (Number.isInteger(number)) return count(number);
  return Math.abs(number) >= 100 ? count(Math.round(number)) : String(Number(number.toPrecision(3)));
}

export function counted(number: number, one: string, several?: string) {
  return `${count(number)} ${number === 1 ? one : (several ?? `${one}s`)}`;
}

export function shortened(text: string, most: number) {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= most ? line : `${line.slice(0, most - 1).trimEnd()}…`;
}

/** A name as people read it: "no_error_found" is "no error found". */
export function spoken(name: string) {
  return name.replaceAll("_", " ");
}

/** A value that decides the order: numbers before their absence, texts as people sort them. */
export function compareValues(a: unknown, b: unknown) {
  const [missingA, missingB] = [a === null || a === undefined, b === null || b === undefined];
  if (missingA || missingB) return Number(missingA) - Number(missingB);
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

/** @param failed 1, 0 or -1 */
export function verdictName(failed: number) {
  return failed === 1 ? "failed" : failed === 0 ? "passed" : "no score";
}
