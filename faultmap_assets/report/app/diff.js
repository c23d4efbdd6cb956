// Where do two answers differ? Word by word, by their longest common subsequence.

/** @typedef {{kind: "same" | "left" | "right", text: string}} Piece */

const MOST_WORDS = 1500;

/**
 * The pieces of two texts in order: what both say, what only the first says, what only the second says.
 * Beyond some thousand words the middle that differs is one piece.
 * @param {string} left
 * @param {string} right
 * @returns {Piece[]}
 */
function wordDiff(left, right) {
  const [a, b] = [words(left), words(right)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const middle = aligned(a.slice(start, a.length - end), b.slice(start, b.length - end));
  const pieces = [
    ...a.slice(0, start).map((text) => /** @type {Piece} */ ({ kind: "same", text })),
    ...middle,
    ...a.slice(a.length - end).map((text) => /** @type {Piece} */ ({ kind: "same", text })),
  ];
  return joined(pieces);
}

/** @param {string} text @returns {string[]} words, the space between them, and marks */
function words(text) {
  return text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
}

/**
 * @param {string[]} a
 * @param {string[]} b
 * @returns {Piece[]}
 */
function aligned(a, b) {
  if (!a.length || !b.length || a.length > MOST_WORDS || b.length > MOST_WORDS) {
    return [
      ...(a.length ? [/** @type {Piece} */ ({ kind: "left", text: a.join("") })] : []),
      ...(b.length ? [/** @type {Piece} */ ({ kind: "right", text: b.join("") })] : []),
    ];
  }
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        a[i] === b[j]
          ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  /** @type {Piece[]} */
  const pieces = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      pieces.push({ kind: "same", text: a[i++] });
      j++;
    } else if (j >= b.length || (i < a.length && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) {
      pieces.push({ kind: "left", text: a[i++] });
    } else {
      pieces.push({ kind: "right", text: b[j++] });
    }
  }
  return pieces;
}

/** @param {Piece[]} pieces @returns {Piece[]} neighbours of one kind made one */
function joined(pieces) {
  /** @type {Piece[]} */
  const made = [];
  for (const piece of pieces) {
    const last = made.at(-1);
    if (last && last.kind === piece.kind) last.text += piece.text;
    else made.push({ ...piece });
  }
  return made;
}

/**
 * One side of a comparison, what only it says marked.
 * @param {Piece[]} pieces
 * @param {"left" | "right"} side
 */
function diffSide(pieces, side) {
  return pieces
    .filter((piece) => piece.kind === "same" || piece.kind === side)
    .map((piece) => (piece.kind === "same" ? piece.text : el("mark", { class: side }, piece.text)));
}
