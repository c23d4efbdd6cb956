// What a person says of a judgment: right or wrong, what it is really, and why. Set in a served page, told in a file.

const MOST_NOTE_CHARACTERS = 4000;
const NO_ERROR = " no error";

/**
 * What was said of a judgment, with the means to say it where a server keeps it.
 * @param {Packed} packed
 * @param {number} row
 */
function labelFact(packed, row) {
  const label = packed.columns.label[row];
  if (!served && !label) return null;
  const place = el("div", { class: "label", "data-example": packed.columns.example_id[row] });
  drawLabel(place, packed, row);
  return fact("label", place);
}

/** @param {HTMLElement} place @param {Packed} packed @param {number} row @param {string} [trouble] */
function drawLabel(place, packed, row, trouble = "") {
  const label = packed.columns.label[row];
  const failed = packed.columns.outcome[row] === "failed";
  const save = (/** @type {Row | null} */ said) => saveLabel(place, packed, row, said);
  const open = (/** @type {boolean} */ right) => place.replaceChildren(labelEditor(packed, row, right, save, () => drawLabel(place, packed, row)));
  const wrong = () => open(false);
  place.replaceChildren(
    ...nodes([
      label && labelTold(label),
      served &&
        (label
          ? el("p", { class: "label-tools" }, labelButton("Change", () => open(label.right)), labelButton("Undo", () => save(null)))
          : el(
              "p",
              { class: "label-tools" },
              el("span", { class: "faint" }, failed ? "What is it?" : "Is the judgment right?"),
              !failed && labelButton("Right", () => save({ right: true })),
              labelButton(failed ? "Say what it is" : "Wrong …", wrong),
            )),
      trouble && el("p", { class: "trouble", role: "alert" }, trouble),
    ]),
  );
}

/** @param {string} name @param {() => void} click */
function labelButton(name, click) {
  return el("button", { type: "button", class: "small", click }, name);
}

/** @param {Row} label */
function labelTold(label) {
  const truth = !label.is_error ? "there is no error" : label.right ? null : label.kind ? ["it is ", ...categoryTrail(label.kind)] : "it is another error";
  return el(
    "div",
    null,
    el("p", null, el("span", { class: `said ${label.right ? "right" : "wrong"}` }, label.right ? "right" : "wrong"), truth && [": ", truth].flat()),
    label.why && el("p", { class: "why-said" }, label.why),
  );
}

/**
 * @param {Packed} packed
 * @param {number} row
 * @param {boolean} right
 * @param {(said: Row) => void} save
 * @param {() => void} cancel
 */
function labelEditor(packed, row, right, save, cancel) {
  const label = packed.columns.label[row];
  const outcome = packed.columns.outcome[row];
  const state = { right: outcome === "failed" ? false : right };
  const truth = truthField(outcome, label && !label.right ? (label.is_error ? label.kind : NO_ERROR) : "");
  const truthRow = el("label", { class: "label-field" }, el("span", null, "What is it really?"), truth);
  const why = /** @type {HTMLTextAreaElement} */ (el("textarea", { rows: 3, maxlength: MOST_NOTE_CHARACTERS }));
  why.value = label?.why ?? "";
  const choice = segmented("The judgment is", outcome === "failed" ? ["wrong"] : ["right", "wrong"], state.right ? "right" : "wrong", (chosen) => {
    state.right = chosen === "right";
    truthRow.hidden = state.right;
  });
  truthRow.hidden = state.right;
  const said = () => ({
    right: state.right,
    is_error: state.right ? null : truth.value !== NO_ERROR,
    kind: state.right || truth.value === NO_ERROR ? "" : truth.value,
    note: why.value.trim(),
  });
  const editor = el(
    "div",
    { class: "label-editor", role: "group", "aria-label": "Label this judgment" },
    choice,
    truthRow,
    el("label", { class: "label-field" }, el("span", null, "Why? (optional)"), why),
    el("p", { class: "label-tools" }, labelButton("Save", () => save(said())), labelButton("Cancel", cancel)),
  );
  setTimeout(() => (state.right ? why : truth).focus());
  return editor;
}

/** What there is instead of what the judge said. @param {string} outcome @param {string} chosen */
function truthField(outcome, chosen) {
  const noError = outcome === "no_error_found" ? [] : [{ id: NO_ERROR, name: "No error at all" }];
  const open = { id: "", name: outcome === "no_error_found" ? "An error; which kind is left open" : "Another error; which kind is left open" };
  const kinds = inTreeOrder(findings.taxonomy?.categories ?? []).map((one) => ({ id: one.category_id, name: `${"\u2003".repeat(one.depth - 1)}${shortened(one.name, 60)}` }));
  return /** @type {HTMLSelectElement} */ (
    el("select", null, [open, ...noError, ...kinds].map((one) => el("option", { value: one.id, selected: one.id === chosen }, one.name)))
  );
}

/** @param {HTMLElement} place @param {Packed} packed @param {number} row @param {Row | null} label */
async function saveLabel(place, packed, row, label) {
  const { columns } = packed;
  /** @type {NodeListOf<HTMLButtonElement>} */ (place.querySelectorAll("button")).forEach((button) => (button.disabled = true));
  try {
    const kept = await tellServer("labels", {
      dataset: nameAt(packed, "dataset", row),
      model: nameAt(packed, "model", row),
      example_id: columns.example_id[row],
      label,
      seen: { outcome: columns.outcome[row], error_title: nameAt(packed, "error_title", row) },
    });
    columns.label[row] = kept.label;
    drawLabel(place, packed, row);
    /** @type {HTMLElement | null} */ (place.querySelector("button"))?.focus();
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    const editor = place.querySelector(".label-editor");
    if (!editor) return drawLabel(place, packed, row, message);
    // What was typed stays.
    place.querySelector(".trouble")?.remove();
    /** @type {NodeListOf<HTMLButtonElement>} */ (place.querySelectorAll("button")).forEach((button) => (button.disabled = false));
    editor.append(el("p", { class: "trouble", role: "alert" }, message));
  }
}

/** @param {Row | null} label what a table says of it */
function labelName(label) {
  return label ? (label.right ? "right" : "wrong") : "";
}

/** The labels that examples are chosen by. @type {Record<string, (packed: Packed, row: number) => boolean>} */
const LABEL_FILTERS = {
  "judgment right": (packed, row) => packed.columns.label[row]?.right === true,
  "judgment wrong": (packed, row) => packed.columns.label[row]?.right === false,
  "not labelled": (packed, row) => !packed.columns.label[row] && Boolean(packed.columns.outcome[row]),
};
