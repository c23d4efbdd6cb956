// The document of a report, made from report.schema.json by `make page`: what is not there is not in the document.

/**
 * The machine-readable twin of the report's page. Rates are shares in [0, 1].
 */
export interface FaultmapAuditReport {
  schema_version: 2;
  /**
   * What the report is about; null is everything.
   */
  scope: {
    datasets: string[] | null;
    models: string[] | null;
    /**
     * whether prompts, answers and what quotes them are in it
     */
    texts: boolean;
  };
  /**
   * Each model on each dataset.
   */
  audits: {
    dataset: string;
    model: string;
    examples: number;
    scored: number;
    failures: number;
    /**
     * of those scored
     */
    failure_rate: number | null;
    /**
     * 95 % Wilson interval
     */
    failure_rate_low: number | null;
    failure_rate_high: number | null;
    slices: Slice[];
  }[];
  /**
   * What the latest audit saw otherwise than the one before it; null before the second audit.
   */
  changes: null | {
    audit: number;
    /**
     * UTC
     */
    audited_at: string;
    /**
     * when the audit before it was
     */
    since: string;
    findings: {
      area: string;
      kind: string;
      dataset: string;
      model: string;
      day: string;
      /**
       * the same over audits
       */
      finding_id: string;
      name: string;
      status: "new" | "worse" | "better" | "gone";
      value: number | null;
      before: number | null;
      /**
       * its id among the current results
       */
      source_id: string;
    }[];
    alerts: {
      kind: string;
      name: string;
      severity: string;
      day: string;
      message: string;
    }[];
  };
  /**
   * Pairs of models on a dataset.
   */
  comparisons: {
    dataset: string;
    model_a: string;
    model_b: string;
    /**
     * pairs: examples that both answered, on the same prompt
     */
    compared: number;
    /**
     * example ids of both, on which they were asked different prompts: left out
     */
    other_prompts: number;
    /**
     * what was not compared and why, in a sentence; empty where every shared example is a pair
     */
    pairing: string;
    failure_rate_a: number;
    failure_rate_b: number;
    /**
     * a model, tie or unresolved
     */
    winner: string;
    advantage_rate: number;
    discordant_a_wins: number;
    discordant_b_wins: number;
    p_value: number;
    adjusted_p_value: number;
    test_used: string;
    /**
     * B's failure rate minus A's: above 0, A is better
     */
    difference: number;
    /**
     * 95 % interval
     */
    difference_low: number | null;
    difference_high: number | null;
    note: string;
    slices: PairSlice[];
    claim: Claim;
  }[];
  /**
   * The kinds of error; null where nothing was judged.
   */
  taxonomy: null | {
    /**
     * of names and descriptions: counts of one version can be compared
     */
    version: string;
    /**
     * model, clusters, rules or given
     */
    method: string;
    built_from: number;
    /**
     * what the judge did not see, in a sentence; empty where it explains every error
     */
    blind_spot?: string;
    errors: number;
    unclassified: number;
    /**
     * parents before children
     */
    categories: Category[];
    counts: {
      category_id: string;
      dataset: string;
      model: string;
      /**
       * in it and below
       */
      errors: number;
    }[];
    quality: {
      [k: string]: number | null;
    };
  };
  /**
   * Which kinds of error a model makes more often than the others, and which gather in its slices.
   */
  signatures: Signature[];
  /**
   * How many failures were judged, and how.
   */
  judging: {
    dataset: string;
    model: string;
    judged_by: string;
    outcome: string;
    rows: number;
  }[];
  /**
   * Each audited day of production; empty in a report of some datasets or models.
   */
  coverage: {
    /**
     * YYYY-MM-DD
     */
    day: string;
    tests: number;
    /**
     * prompts of the day
     */
    production: number;
    /**
     * estimate
     */
    coverage: number | null;
    coverage_low: number;
    coverage_high: number;
    covered: number;
    in_gaps: number;
    undetermined: number;
    outliers: number;
    note: string;
    gaps: Gap[];
  }[];
  /**
   * Where feedback on production is worse than elsewhere; empty as coverage.
   */
  production_slices: {
    /**
     * last day of the window
     */
    day: string;
    first_day: string;
    days: number;
    rows: number;
    with_feedback: number;
    failures: number;
    failure_rate: number | null;
    note: string;
    slices: ProductionSlice[];
  }[];
  /**
   * Topics of production whose share changed; empty as coverage.
   */
  topic_drift: {
    day: string;
    rows: number;
    previous_rows: number;
    note: string;
    topics: Topic[];
  }[];
  /**
   * What each dataset itself gets wrong.
   */
  quality: {
    dataset: string;
    measures: {
      measure: string;
      value: number | null;
      meaning: string;
    }[];
    items: {
      dataset: string;
      example_id: string;
      flag: string;
      evidence: string;
      models: string[];
      rank_score: number | null;
    }[];
  }[];
  /**
   * Findings that more than one audit saw.
   */
  trends: {
    area: string;
    kind: string;
    dataset: string;
    model: string;
    finding_id: string;
    name: string;
    status: string;
    points: {
      label: string;
      value: number | null;
      low: number | null;
      high: number | null;
    }[];
    /**
     * whether it is there now
     */
    present: boolean;
  }[];
  /**
   * Rows that were set aside, by file and reason.
   */
  quarantined: {
    path: string;
    reason: string;
    rows: number;
  }[];
  /**
   * How the findings came about.
   */
  run: {
    seed: number | null;
    parameters: {};
    versions: {
      [k: string]: string | null;
    };
    files: {
      files: number;
      bytes: number;
      physical_lines: number;
      lines_set_aside: number;
      records: number;
      rows_read: number;
      rows_kept: number;
      rows_quarantined: number;
      rows_repeated: number;
      rows_left_out: number;
      rows_superseded: number;
      ledger: string;
    };
    assets: {
      asset: string;
      code_version: string;
      partitions: number;
      rows: number;
      /**
       * rows a language model did not answer for
       */
      pending: number;
      /**
       * partitions held back by a check
       */
      blocked: number;
    }[];
    embedders: string[];
    spent: {
      asset: string;
      model: string;
      calls: number;
      cached: number;
      failed: number;
      prompt_tokens: number;
      completion_tokens: number;
      /**
       * null where a price is unknown
       */
      cost_usd: number | null;
    }[];
  };
  /**
   * The answers behind the findings: up to 20,000; of more, those that findings cite and a seeded sample.
   */
  examples: {
    /**
     * answers in the scope: one per model and example
     */
    total: number;
    shown: number;
    /**
     * whether `rows` are a sample
     */
    sampled: boolean;
    seed: number;
    rows: Example[];
  };
  /**
   * The findings in short: who leads, what to repair first, what the data cannot tell.
   */
  memo: {
    rankings: {
      dataset: string;
      /**
       * who leads and who cannot be told apart; empty for one model
       */
      told: string;
      /**
       * by rising failure rate, the leader first
       */
      models: {
        model: string;
        failure_rate: number | null;
        failure_rate_low?: number | null;
        failure_rate_high?: number | null;
        examples: number;
        scored: number;
        failures: number;
        slices: number;
        /**
         * by the paired comparison with the leader
         */
        place: "leads" | "tied" | "behind" | "not compared";
        beats: string[];
        loses_to: string[];
        open: string[];
        uncompared: string[];
      }[];
    }[];
    /**
     * slices that hold over the whole audit, one line per region, by failures beyond the rest's rate; at most 100
     */
    repairs: {
      dataset: string;
      model: string;
      slice_id: string;
      name: string;
      claim: Claim;
      size: number;
      audit_adjusted_p_value: number;
      /**
       * other models that fail in the same region
       */
      also_of: string[];
      prompt: string;
      recoverable: string;
      excess_failures: number;
    }[];
    /**
     * slices whose own search shows them, but not among all searches of the audit
     */
    may_be_chance: {
      dataset: string;
      model: string;
      slice_id: string;
      name: string;
      claim: Claim;
      size: number;
      audit_adjusted_p_value: number;
    }[];
    /**
     * models on datasets that were searched
     */
    searches: number;
    cannot_tell: string[];
    /**
     * what can be done where no answer has a score or a verdict; else ""
     */
    no_outcome: string;
  };
}
/**
 * A region of prompts in which a model fails significantly more than on the rest.
 */
export interface Slice {
  dataset: string;
  model: string;
  /**
   * of its members: the same members, the same id
   */
  slice_id: string;
  rank: number;
  /**
   * by keywords, metadata or a language model
   */
  name: string;
  description: string;
  /**
   * keywords, metadata, or the model
   */
  named_by: string;
  /**
   * by a language model; "" without one
   */
  root_cause: string;
  suggested_remediation: string;
  /**
   * ids of the examples that the root cause rests on
   */
  cited_examples: string[];
  /**
   * why the name is not the model's
   */
  naming_note: string;
  /**
   * examples in it
   */
  size: number;
  /**
   * distinct prompts among them
   */
  prompts: number;
  failures: number;
  failure_rate: number;
  /**
   * of the model's other examples
   */
  baseline_rate: number;
  /**
   * failures beyond the rest's rate
   */
  excess_failures: number;
  risk_difference: number;
  /**
   * 95 % interval
   */
  risk_difference_low: number;
  risk_difference_high: number;
  /**
   * what of the risk difference is to be expected in new data, the selection allowed for; null before the slice is made again
   */
  estimated_risk_difference: number | null;
  /**
   * failures beyond the rest's rate by that estimate; slices are ordered by it
   */
  estimated_excess_failures: number | null;
  /**
   * the failure rate by the rest's; null where the rest never fails
   */
  effect_size: number | null;
  p_value: number;
  adjusted_p_value: number;
  /**
   * adjusted over all models on all datasets, not of this search alone
   */
  audit_adjusted_p_value: number;
  test_used: string;
  examples: SliceExample[];
  claim: Claim;
}
export interface SliceExample {
  example_id: string;
  prompt: string | null;
  response: string | null;
  reference: string | null;
  score: number | null;
  failed: boolean | null;
}
/**
 * What is claimed of a finding, and whether its parts agree; everything that is shown of the finding rests on it.
 */
export interface Claim {
  /**
   * what inside and outside are values of
   */
  statistic:
    "failure rate" | "score" | "failure rate over repeats" | "paired failure rate" | "paired score" | "share" | "count";
  inside: number | null;
  outside: number | null;
  /**
   * what the interval is of: a difference of rates or scores, for scores of a slice the chance of a worse one, for shares their ratio
   */
  effect: number | null;
  /**
   * of the interval; null without one
   */
  low: number | null;
  /**
   * null beside a low: without bound
   */
  high: number | null;
  test: string;
  /**
   * what was counted
   */
  population: string;
  other_population?: string;
  n: number;
  n_other: number;
  p_value: number;
  adjusted_p_value: number;
  level?: number;
  equivalent?: boolean;
  first?: string;
  second?: string;
  inside_text: string;
  outside_text: string;
  /**
   * why the parts contradict each other; empty where they agree
   */
  flaw: string;
  /**
   * the claim in one sentence; where there is a flaw, only what holds
   */
  told: string;
  /**
   * statistic, interval, test and numbers
   */
  basis: string;
}
export interface PairSlice {
  slice_id: string;
  rank: number;
  /**
   * by keywords, metadata or a language model
   */
  name: string;
  description: string;
  /**
   * keywords, metadata, or the model
   */
  named_by: string;
  /**
   * by a language model; "" without one
   */
  root_cause: string;
  suggested_remediation: string;
  /**
   * ids of the examples that the root cause rests on
   */
  cited_examples: string[];
  /**
   * why the name is not the model's
   */
  naming_note: string;
  size: number;
  prompts: number;
  failure_rate_a: number;
  failure_rate_b: number;
  /**
   * a model, tie or unresolved
   */
  winner: string;
  /**
   * share of the disagreements that A wins
   */
  advantage_rate: number;
  rest_advantage_rate: number;
  discordant_a_wins: number;
  discordant_b_wins: number;
  concordant_pass: number;
  concordant_fail: number;
  /**
   * of the winner
   */
  adjusted_p_value: number;
  /**
   * of differing from the rest
   */
  selection_adjusted_p_value: number;
  /**
   * of differing from the rest, adjusted over all pairs on all datasets
   */
  audit_adjusted_p_value: number;
  difference: number;
  difference_low: number | null;
  difference_high: number | null;
  examples: {
    example_id: string;
    prompt: string | null;
    response_a: string | null;
    response_b: string | null;
    reference: string | null;
    score_a: number | null;
    score_b: number | null;
    failed_a: boolean | null;
    failed_b: boolean | null;
  }[];
  claim: Claim;
}
export interface Category {
  /**
   * path of its parents' ids
   */
  category_id: string;
  parent_id: string | null;
  name: string;
  description: string;
  depth: number;
  /**
   * the remainder of its level
   */
  other: boolean;
  /**
   * in it and below
   */
  errors: number;
  /**
   * of all errors
   */
  share: number;
  /**
   * title and summary of typical errors
   */
  examples: string[][];
}
export interface Signature {
  scope: "model" | "slice";
  dataset: string;
  model: string;
  category_id: string;
  category: string;
  /**
   * "" of a model
   */
  slice_id: string;
  slice: string | null;
  errors: number;
  total: number;
  share: number;
  /**
   * of its examples; in a slice: of the errors judged in it
   */
  rate: number;
  /**
   * of the other models; elsewhere
   */
  rest_rate: number | null;
  risk_ratio: number | null;
  risk_ratio_low: number | null;
  risk_ratio_high: number | null;
  p_value: number | null;
  adjusted_p_value: number | null;
  significant: boolean;
  claim: null | Claim;
}
export interface Gap {
  gap_id: string;
  rank: number;
  /**
   * gap, under-tested or distant
   */
  kind: string;
  /**
   * by keywords, metadata or a language model
   */
  name: string;
  description: string;
  /**
   * keywords, metadata, or the model
   */
  named_by: string;
  /**
   * by a language model; "" without one
   */
  root_cause: string;
  suggested_remediation: string;
  /**
   * ids of the examples that the root cause rests on
   */
  cited_examples: string[];
  /**
   * why the name is not the model's
   */
  naming_note: string;
  /**
   * prompts of the day in it
   */
  size: number;
  /**
   * distinct ones
   */
  prompts: number;
  traffic_share: number;
  tests: number;
  expected_tests: number;
  test_ratio: number | null;
  mean_distance: number | null;
  p_value: number | null;
  adjusted_p_value: number | null;
  representative_prompts: string[];
  nearest_tests: {
    prompt: string;
    distance: number;
  }[];
  /**
   * up to 200 of the day's prompts in it
   */
  prompts_asked: {
    source: string;
    log_id: string;
    prompt: string;
  }[];
  claim: null | Claim;
}
/**
 * A region of production in which users were unhappy more often than elsewhere.
 */
export interface ProductionSlice {
  /**
   * last day of the window
   */
  day: string;
  /**
   * of its members: the same members, the same id
   */
  slice_id: string;
  /**
   * by keywords, metadata or a language model
   */
  name: string;
  description: string;
  /**
   * keywords, metadata, or the model
   */
  named_by: string;
  /**
   * by a language model; "" without one
   */
  root_cause: string;
  suggested_remediation: string;
  /**
   * ids of the examples that the root cause rests on
   */
  cited_examples: string[];
  /**
   * why the name is not the model's
   */
  naming_note: string;
  /**
   * examples in it
   */
  size: number;
  /**
   * distinct prompts among them
   */
  prompts: number;
  failures: number;
  failure_rate: number;
  /**
   * of the model's other examples
   */
  baseline_rate: number;
  risk_difference: number;
  /**
   * 95 % interval
   */
  risk_difference_low: number;
  risk_difference_high: number;
  /**
   * the failure rate by the rest's; null where the rest never fails
   */
  effect_size: number | null;
  p_value: number;
  adjusted_p_value: number;
  test_used: string;
  examples: SliceExample[];
  claim: Claim;
}
/**
 * A topic of production whose share changed.
 */
export interface Topic {
  day: string;
  topic_id: string;
  /**
   * new, growing, shrinking or vanished
   */
  kind: string;
  name: string;
  description: string;
  named_by: string;
  current_share: number;
  current_share_low: number;
  current_share_high: number;
  previous_share: number;
  previous_share_low: number;
  previous_share_high: number;
  current_rows: number;
  previous_rows: number;
  adjusted_p_value: number;
  representative_prompts: string[];
  claim: Claim;
}
export interface Example {
  dataset: string;
  model: string;
  example_id: string;
  /**
   * mean over repeats
   */
  score: number | null;
  /**
   * null without a score
   */
  failed: boolean | null;
  /**
   * repeats
   */
  epochs: number;
  /**
   * of a chat, the last user turn
   */
  prompt: string | null;
  /**
   * as it was sent, where that is more
   */
  full_prompt: string | null;
  /**
   * the first repeat's
   */
  response: string | null;
  reference: string | null;
  metadata: {};
  /**
   * ids of the failure slices it is in
   */
  slices: string[];
  /**
   * leaf of the taxonomy, or "unclassified"
   */
  category_id: string | null;
  judgment: null | {
    /**
     * error, no_error_found, whole_solution_incorrect or failed
     */
    outcome: string;
    error_title: string | null;
    error_summary: string | null;
    /**
     * rules, or the model
     */
    judged_by: string;
    criteria: {
      criterion: string;
      quality: string;
      comment: string;
      evidence: string;
      evidence_found: boolean;
    }[];
    /**
     * why judging failed
     */
    reason: string | null;
  };
  /**
   * what a person says of the judgment; null where nobody said anything
   */
  label: null | {
    /**
     * whether the judgment is right
     */
    right: boolean;
    /**
     * whether there is an error, as the person says
     */
    is_error: boolean;
    /**
     * id of the category that is right; empty where it is left open
     */
    kind: string;
    /**
     * in the person's words
     */
    why: string;
    /**
     * the judgment's title when it was labelled
     */
    judged_title: string;
  };
  /**
   * place on the dataset's map
   */
  x: number | null;
  y: number | null;
  /**
   * place on the dataset's map in space
   */
  x_3d: number | null;
  y_3d: number | null;
  z_3d: number | null;
}
