"""In how many audits of many models is anything reported where nothing is to be found, and what does that cost?

usage: nice -n 10 python bench/slices_audit.py [--data FOLDER] [--audits N] [--out FILE]

21 models answer the same 3,000 prompts of CLINC150. "independent": every answer fails by itself; "shared": every prompt
has a difficulty that all models share, wherever it lies. "planted": ten topics fail more, in a third of the models.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from slices_corpora import load

from faultmap_core.regions.labels import Label
from faultmap_core.regions.search import RegionSettings, candidates_of, find_regions
from faultmap_core.regions.tree import build_tree
from faultmap_core.stats.multiplicity import adjust_over_partitions

PROMPTS, MODELS, BASE, LEVEL = 3_000, 21, 0.15, 0.05
PLANTED, EFFECT, AFFECTED = 10, 0.35, 7


def failure_rates(case: str, topic: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw (models, prompts) true failure rates."""
    rates = np.full((MODELS, PROMPTS), BASE)
    if case == "shared":
        rates[:] = rng.beta(0.6, 3.4, PROMPTS)
    if case == "planted":
        for model in range(AFFECTED):
            rates[model, np.isin(topic, rng.choice(np.unique(topic), PLANTED, replace=False))] += EFFECT
    return rates


def main() -> None:
    """Run the cases and write one JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "faultmap_bench_vectors")
    parser.add_argument("--audits", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results") / "slices_audit.json")
    chosen = parser.parse_args()
    corpus = load("clinc150", "wordllama", chosen.data, chosen.cache)
    if corpus is None:
        raise SystemExit(1)
    topic, candidates = corpus.topic[:PROMPTS], candidates_of(build_tree(corpus.vectors[:PROMPTS]))
    results: list[dict[str, Any]] = []
    for case in ("independent", "shared", "planted"):
        rng = np.random.default_rng(5)
        audits = chosen.audits if case != "planted" else chosen.audits // 10
        any_of, any_adjusted, true, true_adjusted, false, false_adjusted = 0, 0, 0, 0, 0, 0
        for _ in range(audits):
            rates = failure_rates(case, topic, rng)
            found, real = {}, {}
            for model in range(MODELS):
                failed = (rng.random(PROMPTS) < rates[model]).astype(float)
                regions = find_regions(candidates, Label(failed, np.ones(PROMPTS)), RegionSettings()).regions
                found[model] = [one.adjusted_p_value for one in regions]
                planted = (rates[model] > BASE) if case == "planted" else np.zeros(PROMPTS, dtype=bool)
                real[model] = [bool(planted[one.units].any()) for one in regions]
            kept = {model: np.array(p) <= LEVEL for model, p in adjust_over_partitions(found, MODELS).items()}
            any_of += any(found.values())
            any_adjusted += any(one.any() for one in kept.values())
            for model in range(MODELS):
                is_true = np.array(real[model], dtype=bool)
                true, false = true + int(is_true.sum()), false + int((~is_true).sum())
                true_adjusted += int((is_true & kept[model]).sum())
                false_adjusted += int((~is_true & kept[model]).sum())
        told = {"case": case, "audits": audits, "any_finding": any_of / audits}
        told |= {"any_finding_audit_adjusted": any_adjusted / audits}
        told |= {"true": true, "true_audit_adjusted": true_adjusted}
        results.append(told | {"false": false, "false_audit_adjusted": false_adjusted})
        print(results[-1], file=sys.stderr, flush=True)
        chosen.out.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
