// The first page is a memo: who leads, what to repair first, what the data cannot tell, and what changed.

import {
  allGaps,
  allSlices,
  type Audit,
  type Change,
  type Changes,
  datasets,
  findingName,
  findings,
  type Findings,
  type Ranked,
  type Ranking,
  type Repair,
} from "../data/findings.ts";
import { source } from "../data/open.ts";
import { scopedTaxonomy } from "../data/taxonomy.ts";
import { address, categoryLink, chosenScope, gapLink, inScope, link, sliceLink } from "../route.ts";
import { rateCell } from "../ui/charts.ts";
import { type Child, el } from "../ui/dom.ts";
import { count, counted, percent, shortened, spoken } from "../ui/format.ts";
import { breakable, claimBasis, explained, page, section } from "../ui/layout.ts";
import { litSlices, promptMap } from "../ui/map.ts";
import { dataTable, pagedList } from "../ui/tables.ts";
import { mostSliced } from "./slice_parts.ts";

const REPAIRS_SHOWN = 3;

export async function overviewView() {
  const audits = findings.audits.filter(inScope);
  if (!findings.audits.length) {
    return page(
      "Where the models fail",
      el("p", { class: "empty" }, "Nothing has been audited yet: run ", el("code", null, "faultmap audit FILE"), "."),
    );
  }
  const { memo } = findings;
  const answers = audits.reduce((sum, audit) => sum + audit.examples, 0);
  const [first, ...others] = memo.rankings.filter((ranking) => inScope({ dataset: ranking.dataset }));
  const more = [topError(), topGap(), topQuality()].filter((item) => item !== null);
  return page(
    "Where the models fail",
    el(
      "p",
      { class: "lead" },
      `${counted(new Set(audits.map((audit) => audit.model)).size, "model")} on ` +
        `${counted(new Set(audits.map((audit) => audit.dataset)).size, "dataset")}, ${counted(answers, "answer")}.`,
    ),
    el("div", { class: "columns memo" }, first && rankingBlock(first), await overviewMap(audits)),
    section("Repair first", repairs()),
    chanceFindings(),
    section("What these data cannot tell", cannotTell(memo)),
    others.length > 0 && section("The other datasets", pagedList(others, rankingBlock, { step: 6 })),
    more.length > 0 && section("More", el("ul", { class: "findings" }, more)),
    findings.changes && section("What changed", changesList(findings.changes)),
  );
}

/** The models of one dataset in their order. */
function rankingBlock(ranking: Ranking) {
  const models = ranking.models.filter(({ model }) => inScope({ dataset: ranking.dataset, model }));
  const several = ranking.models.filter((one) => one.failure_rate !== null).length > 1;
  const [{ scored }] = ranking.models;
  const even = ranking.models.every((one) => one.scored === scored && one.examples === scored) ? scored : null;
  return el(
    "section",
    { class: "ranking" },
    el(
      "h2",
      null,
      ranking.dataset,
      even !== null && el("small", null, several ? ` ${count(even)} answers of each` : ` ${counted(even, "answer")}`),
    ),
    ranking.told && el("p", null, ranking.told),
    dataTable({
      name: `models on ${ranking.dataset}`,
      plain: true,
      rows: models,
      href: (row) => address("slices", { dataset: ranking.dataset, model: row.model }),
      columns: [
        { key: "model", title: "model", first: true, value: (row) => row.model, render: (row) => breakable(row.model) },
        {
          key: "failure_rate",
          title: "failed",
          value: (row) => row.failure_rate,
          render: (row) => rateCell({ rate: row.failure_rate, low: row.failure_rate_low, high: row.failure_rate_high }),
        },
        ...(even === null
          ? [{ key: "scored", title: "answers", number: true, value: (row: Ranked) => row.scored, render: answersOf }]
          : []),
        ...(several
          ? [
              {
                key: "place",
                title: "place",
                value: (row: Ranked) => ranking.models.indexOf(row),
                render: placeOf,
              },
            ]
          : []),
        {
          key: "slices",
          title: "weak spots",
          number: true,
          value: (row) => row.slices,
          render: (row) => count(row.slices),
        },
      ],
    }),
    several &&
      explained(
        "How the order is made",
        "Models stand by the share of their answers that failed, with its 95% interval (Wilson). Who leads and who is tied is decided by comparing " +
          "answers to the same prompts, two models at a time (McNemar's test, p adjusted over all pairs): “tied” means that the comparison with the " +
          "first model shows no winner. A weak spot is a group of prompts in which the model fails more often than on the rest (a failure slice).",
      ),
  );
}

function placeOf(row: Ranked) {
  return el("span", { class: `place ${row.place.replace(" ", "-")}` }, row.place);
}

/** @param row of a ranking */
function answersOf(row: Ranked) {
  const unscored = row.examples - row.scored;
  return [
    count(row.scored),
    unscored > 0 && el("small", { class: "under" }, `${count(unscored)} more without a score`),
  ];
}

/** The map of the audit that holds the first repair. */
async function overviewMap(audits: Audit[]) {
  const [first] = scopedRepairs();
  const shown =
    audits.find((audit) => first && audit.dataset === first.dataset && audit.model === first.model) ??
    mostSliced(audits);
  if (!shown) return null;
  const examples = await source.map();
  const rows = examples.of(shown.dataset, shown.model);
  const made = promptMap(
    examples,
    rows,
    litSlices(examples, rows, shown.slices),
    `Map of the prompts of ${shown.dataset}, as ${shown.model} answers them`,
  );
  return el(
    "div",
    null,
    el("h2", null, "Map of the prompts", el("small", null, " as ", breakable(shown.model), " answers them")),
    made.element,
  );
}

/** What to repair, of what is chosen; a region that the chosen model shares with another is told of the chosen one. */
function scopedRepairs() {
  const { model } = chosenScope();
  return findings.memo.repairs
    .filter(
      (one) => inScope({ dataset: one.dataset }) && (!model || one.model === model || one.also_of.includes(model)),
    )
    .map((one) => (model && one.model !== model ? sharedRepair(one, model) : one));
}

function sharedRepair(one: Repair, model: string) {
  const own = allSlices().find(
    (row) => row.slice_id === one.slice_id && row.dataset === one.dataset && row.model === model,
  );
  const others = [one.model, ...one.also_of].filter((name) => name !== model);
  return {
    ...one,
    model,
    name: own?.name ?? one.name,
    claim: own?.claim ?? one.claim,
    recoverable: "",
    also_of: others,
  };
}

function repairs() {
  const all = scopedRepairs();
  const { no_outcome } = findings.memo;
  if (no_outcome) return el("p", { class: "empty" }, no_outcome);
  if (!all.length) {
    const chance = scopedChance().length ? " that is more than chance over the whole audit" : "";
    return el(
      "p",
      { class: "empty" },
      `No group of prompts was found in which a model fails more often than elsewhere${chance}.`,
    );
  }
  const left = all.length - REPAIRS_SHOWN;
  return [
    el("ol", { class: "repairs" }, all.slice(0, REPAIRS_SHOWN).map(repair)),
    left > 0 &&
      el("p", null, el("a", { href: link("slices") }, `All ${count(allSlices().filter(inScope).length)} weak spots`)),
  ];
}

function repair(one: Repair) {
  return el(
    "li",
    null,
    el("a", { class: "row-link", href: sliceLink(one) }, one.name),
    el(
      "p",
      null,
      el("span", { class: "faint" }, datasets().length > 1 ? `${one.model} on ${one.dataset}: ` : `${one.model}: `),
      one.claim.told,
    ),
    one.prompt && el("p", { class: "typical" }, "For example: ", el("q", null, shortened(one.prompt, 180))),
    one.recoverable && el("p", null, one.recoverable),
    one.also_of.length > 0 &&
      el("p", { class: "note" }, `The same prompts are a weak spot of ${one.also_of.join(", ")}.`),
    claimBasis(one.claim),
  );
}

function scopedChance() {
  return findings.memo.may_be_chance.filter(inScope);
}

function chanceFindings() {
  const found = scopedChance();
  if (!found.length) return null;
  return section(
    "May be chance",
    el(
      "p",
      null,
      `Each of these was found in one of ${count(findings.memo.searches)} searches (a model on a dataset); among all of them a finding like it can come up by chance. Look before you repair.`,
    ),
    pagedList(
      found,
      (row) =>
        el(
          "p",
          null,
          el("a", { class: "row-link", href: sliceLink(row) }, row.name),
          ` ${row.model}: ${row.claim.told}`,
        ),
      { step: 5 },
    ),
  );
}

function cannotTell(memo: Findings["memo"]) {
  return memo.cannot_tell.length
    ? el(
        "ul",
        { class: "cannot" },
        memo.cannot_tell.map((line) => el("li", null, line)),
      )
    : el("p", { class: "empty" }, "Every answer has a score, and no row was set aside.");
}

function finding(kind: string, href: string, ...told: (Child | Child[])[]) {
  return el(
    "li",
    null,
    el(
      "a",
      { class: "row-link finding", href },
      el("span", { class: "kind" }, kind),
      el("span", { class: "told" }, ...told),
    ),
  );
}

function topError() {
  const taxonomy = scopedTaxonomy();
  const kinds = (taxonomy?.rows ?? [])
    .filter((row) => row.depth === 1 && !row.other && row.category_id !== "unexplained")
    .slice(0, 3);
  if (!taxonomy || !kinds.length) return null;
  const told = kinds
    .map((row, index) => [index ? ", " : null, el("strong", null, row.name), ` ${percent(row.share)}`])
    .flat();
  return finding("why", link("taxonomy"), ...told, ` of ${counted(taxonomy.total, "error")}`);
}

function topGap() {
  const day = findings.coverage.at(-1);
  if (!day) return null;
  const [gap] = day.gaps;
  if (!gap)
    return finding(
      "tested",
      link("coverage"),
      `About ${percent(day.coverage)} of production on ${day.day} is like something that is tested`,
    );
  return finding(
    "untested",
    gapLink({ ...gap, day: day.day }),
    el("strong", null, gap.name),
    `: ${percent(gap.traffic_share)} of production on ${day.day}; the tests cover about ${percent(day.coverage)} of that day`,
  );
}

function topQuality() {
  const suspects = findings.quality
    .filter((row) => inScope({ dataset: row.dataset }))
    .flatMap((row) => row.items.filter((item) => item.flag === "suspect_label" || item.flag === "contradictory_label"));
  if (!suspects.length) return null;
  return finding(
    "doubtful",
    link("quality", { flag: suspects[0].flag }),
    el("strong", null, counted(suspects.length, "label")),
    " may be wrong: the models agree on another answer, or copies contradict each other",
  );
}

function changesList(changes: Changes) {
  const { dataset, model } = chosenScope();
  const told = changes.findings.filter(
    (one) =>
      (!dataset || !one.dataset || one.dataset === dataset) &&
      (!model || !one.model || one.model.split("|").includes(model)),
  );
  return [
    el("p", { class: "note" }, `The audit of ${changes.audited_at} against the one of ${changes.since}.`),
    changes.alerts.length > 0 &&
      el(
        "ul",
        { class: "plain-list alerts" },
        changes.alerts.map((alert) =>
          el("li", null, el("strong", null, spoken(alert.severity.toLowerCase())), `: ${alert.message}`),
        ),
      ),
    told.length
      ? pagedList(told, changeLine, { step: 8 })
      : el("p", { class: "empty" }, "Nothing: every finding stands as before."),
  ].filter((part) => part !== false);
}

function changeLine(one: Change) {
  const href = changeLink(one);
  const where = [one.name === one.kind ? "" : spoken(one.kind), one.model, one.dataset, one.day]
    .filter(Boolean)
    .join(" · ");
  const name = findingName(one);
  const values =
    one.value === null
      ? ""
      : one.before === null || one.before === undefined
        ? percent(one.value)
        : `${percent(one.before)} → ${percent(one.value)}`;
  return el(
    "div",
    { class: "change" },
    el("span", { class: `status ${one.status}` }, one.status),
    el(
      "span",
      null,
      href ? el("a", { class: "row-link", href }, name) : el("strong", null, name),
      values && ` ${values}`,
      el("small", null, ` ${where}`),
    ),
  );
}

/** Where the finding stands in this report, if it does. */
function changeLink(one: Change) {
  if (one.status === "gone" || !one.source_id) return null;
  const found = allSlices().find(
    (row) => row.slice_id === one.source_id && row.dataset === one.dataset && row.model === one.model,
  );
  if (found) return sliceLink(found);
  if (one.kind === "error_category") {
    const category = (findings.taxonomy?.categories ?? []).find((row) => row.name === one.name);
    return category ? categoryLink(category.category_id) : null;
  }
  const gap = allGaps().find((row) => row.gap_id === one.source_id && row.day === one.day);
  return gap ? gapLink(gap) : null;
}
