// What the views of a slice, a gap and a slice of production have in common.

import type { ProductionSlice, Slice } from "../data/document.ts";
import { type Audit, findings } from "../data/findings.ts";
import { exampleLink } from "../route.ts";
import { rateCell, twoRates } from "../ui/charts.ts";
import { el } from "../ui/dom.ts";
import { count, figure, pValue } from "../ui/format.ts";
import { claimBasis, fact, section } from "../ui/layout.ts";

export function mostSliced(audits: Audit[]) {
  return audits.reduce((best, audit) => (audit.slices.length > best.slices.length ? audit : best), audits[0]);
}

/** The value that a slice's test was of. */
export function sliceValue(row: Slice | ProductionSlice) {
  return row.claim.statistic === "score"
    ? `score ${row.claim.inside_text}`
    : rateCell({ rate: row.failure_rate, mark: row.baseline_rate });
}

export function sliceRates(found: Slice | ProductionSlice) {
  return el(
    "div",
    { class: "panel" },
    found.claim.statistic !== "score" &&
      twoRates(
        { label: "in the slice", rate: found.failure_rate, note: `failed of ${count(found.size)}` },
        { label: "the rest", rate: found.baseline_rate, note: `failed of ${count(found.claim.n_other)}` },
      ),
    el("p", { class: "note" }, found.claim.told),
    claimBasis(found.claim),
  );
}

/** What names and explains a slice or a gap; only examples of evals can be opened. */
type Named = Pick<Slice, "named_by" | "root_cause" | "suggested_remediation" | "cited_examples"> & { dataset?: string };

export function sliceWhy(found: Named) {
  if (!findings.scope.texts) return null;
  if (!found.root_cause && !found.suggested_remediation) {
    const named = found.named_by === "keywords" || found.named_by === "metadata";
    return named
      ? el(
          "p",
          { class: "note" },
          `Named by ${found.named_by}. With a language model configured, a root cause and a remedy stand here.`,
        )
      : null;
  }
  return el(
    "dl",
    { class: "facts why" },
    found.root_cause && fact("root cause", found.root_cause),
    found.suggested_remediation && fact("remedy", found.suggested_remediation),
    found.cited_examples.length > 0 &&
      fact(
        "rests on",
        found.cited_examples
          .map((id, index) => [
            index ? ", " : null,
            found.dataset ? el("a", { href: exampleLink(found.dataset, id) }, id) : id,
          ])
          .flat(),
      ),
  );
}

export function sliceFacts(found: Slice | ProductionSlice) {
  return section(
    "How it was found",
    el(
      "dl",
      { class: "facts compact" },
      fact("distinct prompts", count(found.prompts)),
      fact("failures", `${count(found.failures)} of ${count(found.size)}`),
      fact("test", `${found.test_used}, p ${pValue(found.p_value)}, adjusted ${pValue(found.adjusted_p_value)}`),
      fact("times as often as the rest", figure(found.effect_size)),
      fact("named by", found.named_by, found.naming_note && ` (${found.naming_note})`),
      fact("id", el("code", null, found.slice_id)),
    ),
  );
}
