// What a person says of a judgment: right or wrong, what it is really, and why. Set in a served page, told in a file.

import type { Examples } from "../data/examples.ts";
import { findings, type Label } from "../data/findings.ts";
import { source } from "../data/open.ts";
import type { Said } from "../data/source.ts";
import { inTreeOrder } from "../data/taxonomy.ts";
import { el, nodes } from "../ui/dom.ts";
import { shortened } from "../ui/format.ts";
import { fact, segmented } from "../ui/layout.ts";
import { categoryTrail } from "./trail.ts";

const MAX_NOTE_CHARACTERS = 4000;

const NO_ERROR = " no error";

/** What was said of a judgment, with the means to say it where a server keeps it. */
export function labelFact(examples: Examples, row: number) {
  const label = examples.columns.label[row];
  if (!source.keepsLabels && !label) return null;
  const place = el("div", { class: "label", "data-example": examples.columns.example_id[row] });
  drawLabel(place, examples, row);
  return fact("label", place);
}

function drawLabel(place: HTMLElement, examples: Examples, row: number, trouble = "") {
  const label = examples.columns.label[row];
  const failed = examples.columns.outcome[row] === "failed";
  const save = (said: Said | null) => saveLabel(place, examples, row, said);
  const open = (right: boolean) =>
    place.replaceChildren(labelEditor(examples, row, right, save, () => drawLabel(place, examples, row)));
  const wrong = () => open(false);
  place.replaceChildren(
    ...nodes([
      label && labelTold(label),
      source.keepsLabels &&
        (label
          ? el(
              "p",
              { class: "label-tools" },
              labelButton("Change", () => open(label.right)),
              labelButton("Undo", () => save(null)),
            )
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

function labelButton(name: string, click: () => void) {
  return el("button", { type: "button", class: "small", click }, name);
}

function labelTold(label: Label) {
  const truth = !label.is_error
    ? "there is no error"
    : label.right
      ? null
      : label.kind
        ? ["it is ", ...categoryTrail(label.kind)]
        : "it is another error";
  return el(
    "div",
    null,
    el(
      "p",
      null,
      el("span", { class: `said ${label.right ? "right" : "wrong"}` }, label.right ? "right" : "wrong"),
      truth && [": ", truth].flat(),
    ),
    label.why && el("p", { class: "why-said" }, label.why),
  );
}

function labelEditor(examples: Examples, row: number, right: boolean, save: (said: Said) => void, cancel: () => void) {
  const label = examples.columns.label[row];
  const outcome = examples.columns.outcome[row] ?? "";
  const state = { right: outcome === "failed" ? false : right };
  const truth = truthField(outcome, label && !label.right ? (label.is_error ? label.kind : NO_ERROR) : "");
  const truthRow = el("label", { class: "label-field" }, el("span", null, "What is it really?"), truth);
  const why = el("textarea", { rows: 3, maxlength: MAX_NOTE_CHARACTERS });
  why.value = label?.why ?? "";
  const choice = segmented(
    "The judgment is",
    outcome === "failed" ? ["wrong"] : ["right", "wrong"],
    state.right ? "right" : "wrong",
    (chosen) => {
      state.right = chosen === "right";
      truthRow.hidden = state.right;
    },
  );
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
    el(
      "p",
      { class: "label-tools" },
      labelButton("Save", () => save(said())),
      labelButton("Cancel", cancel),
    ),
  );
  setTimeout(() => (state.right ? why : truth).focus());
  return editor;
}

/** What there is instead of what the judge said. */
function truthField(outcome: string, chosen: string) {
  const noError = outcome === "no_error_found" ? [] : [{ id: NO_ERROR, name: "No error at all" }];
  const open = {
    id: "",
    name: outcome === "no_error_found" ? "An error; which kind is left open" : "Another error; which kind is left open",
  };
  const kinds = inTreeOrder(findings.taxonomy?.categories ?? []).map((one) => ({
    id: one.category_id,
    name: `${"\u2003".repeat(one.depth - 1)}${shortened(one.name, 60)}`,
  }));
  return el(
    "select",
    null,
    [open, ...noError, ...kinds].map((one) => el("option", { value: one.id, selected: one.id === chosen }, one.name)),
  );
}

async function saveLabel(place: HTMLElement, examples: Examples, row: number, label: Said | null) {
  const { columns } = examples;
  (place.querySelectorAll("button") as NodeListOf<HTMLButtonElement>).forEach((button) => (button.disabled = true));
  try {
    columns.label[row] = await source.keepLabel({
      dataset: examples.name("dataset", row),
      model: examples.name("model", row),
      example_id: columns.example_id[row],
      label,
      seen: { outcome: columns.outcome[row] ?? "", error_title: examples.name("error_title", row) },
    });
    drawLabel(place, examples, row);
    place.querySelector<HTMLElement>("button")?.focus();
  } catch (error) {
    const { message } = error as Error;
    const editor = place.querySelector(".label-editor");
    if (!editor) return drawLabel(place, examples, row, message);
    // What was typed stays.
    place.querySelector(".trouble")?.remove();
    (place.querySelectorAll("button") as NodeListOf<HTMLButtonElement>).forEach((button) => (button.disabled = false));
    editor.append(el("p", { class: "trouble", role: "alert" }, message));
  }
}

/** @param label what a table says of it */
export function labelName(label: Label | null) {
  return label ? (label.right ? "right" : "wrong") : "";
}
