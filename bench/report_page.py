"""How large is the report of many rows, how long does it take to build, to open, and to filter?

    python bench/report_page.py [--rows 20000 100000]

Answers of two models to MMLU-Pro questions where ../shared/data has them, else generated texts of the same length; they
are written into a fresh warehouse without an audit, so that the report alone is measured. The browser (extra `ui`) is
Debian's Chromium. Writes results/report_page.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from faultmap_assets.report import build_report, write_report
from faultmap_assets.warehouse.connection import Warehouse, insert

_RESULTS = Path(__file__).parent / "results" / "report_page.json"
_REAL = Path(__file__).parents[2] / "shared" / "data" / "evals" / "mmlupro_outputs_2models.parquet"
_KINDS = [f"Wrong answer of kind {number}" for number in range(12)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 100_000])
    results = [measured(rows) for rows in parser.parse_args().rows]
    _RESULTS.write_text(json.dumps({"texts": source(), "results": results}, indent=1) + "\n", encoding="utf-8")
    print(_RESULTS.read_text(encoding="utf-8"))


def source() -> str:
    return _REAL.stem if _REAL.exists() else "generated"


def measured(rows: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Warehouse(Path(folder) / "faultmap.duckdb")
        fill(warehouse, answers(rows))
        start = time.perf_counter()
        report = build_report(warehouse)
        page, document = write_report(report, Path(folder))
        built = time.perf_counter() - start
        shown = report.content["examples"]["shown"]
        return {
            "rows": rows,
            "shown": shown,
            "build_seconds": round(built, 2),
            "page_mb": round(page.stat().st_size / 1e6, 2),
            "document_mb": round(document.stat().st_size / 1e6, 2),
            "texts_mb": round(
                sum(len(row["prompt"]) + len(row["response"]) for row in report.content["examples"]["rows"]) / 1e6, 1
            ),
            **opened(page),
        }


def answers(rows: int) -> pa.Table:
    """Return `rows` answers of two models: example_id, model, input_text, output_text, score, correct_answer."""
    if _REAL.exists():
        table = pq.read_table(_REAL).sort_by([("example_id", "ascending"), ("model", "ascending")])
        copies = -(-rows // table.num_rows)
        ids = [f"{name}#{copy}" for copy in range(copies) for name in table.column("example_id").to_pylist()]
        table = pa.concat_tables([table] * copies).set_column(0, "example_id", pa.array(ids, pa.string()))
        return table.slice(0, rows)
    rng = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(8_000)])
    texts = [" ".join(words[rng.zipf(1.3, size=200) % len(words)]) for _ in range(rows)]
    return pa.table(
        {
            "example_id": [f"example-{number // 2}" for number in range(rows)],
            "model": [("alpha", "beta")[number % 2] for number in range(rows)],
            "input_text": [texts[number - number % 2][:600] for number in range(rows)],
            "output_text": texts,
            "score": rng.integers(0, 2, rows).astype(float),
            "correct_answer": ["yes"] * rows,
        }
    )


def fill(warehouse: Warehouse, table: pa.Table) -> None:
    """Write answers, scores, judgments and places on the map as an audit would."""
    rng = np.random.default_rng(0)
    n = table.num_rows
    with warehouse.write() as connection:
        connection.register("answers", table.append_column("kind", pa.array(rng.choice(_KINDS, n))))
        connection.execute(
            """INSERT INTO raw_evals BY NAME SELECT 'exam' AS dataset, model, example_id, 1 AS epoch, input_text,
                output_text, score, correct_answer, '{}' AS metadata, 'answers.parquet' AS source_path,
                1 AS source_line, md5(output_text) AS row_digest FROM answers"""
        )
        connection.execute(
            "INSERT INTO scores SELECT 'exam', model, example_id, score, 1, 1, score < 0.5, 'given', 0.5 FROM answers"
        )
        connection.execute(
            """INSERT INTO error_judgments SELECT 'exam', model, example_id, 'error', kind,
                kind || '. The answer is “' || left(output_text, 40) || '”.', '[]', '[]', 'rules', '', '[]', '', '', ''
            FROM answers WHERE score < 0.5"""
        )
        connection.execute(
            "INSERT INTO example_prompts SELECT DISTINCT 'exam', model, example_id, md5(example_id) FROM answers"
        )
        prompts = connection.execute(
            "SELECT DISTINCT md5(example_id) AS prompt_id FROM answers ORDER BY 1"
        ).to_arrow_table()
        places = rng.normal(size=(prompts.num_rows, 2)) + rng.integers(0, 8, (prompts.num_rows, 1))
        columns = {"dataset": pa.array(["exam"] * prompts.num_rows), "position": pa.array(range(prompts.num_rows))}
        columns |= {"prompt_id": prompts.column(0), "cluster": pa.array([0] * prompts.num_rows)}
        columns |= {"x": pa.array(places[:, 0]), "y": pa.array(places[:, 1])}
        insert(connection, "prompt_clusters", pa.table(columns))


def opened(page: Path) -> dict[str, Any]:
    """Return the seconds until the page can be used, and those of its filters; nothing without a browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return {}
    chromium = os.environ.get("FAULTMAP_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        start = time.perf_counter()
        tab.goto(page.as_uri())
        tab.wait_for_selector("html[data-ready]")
        ready = time.perf_counter() - start
        start = time.perf_counter()
        tab.evaluate("location.hash = '#/slices'")
        tab.wait_for_selector("canvas")
        mapped = time.perf_counter() - start
        tab.evaluate("location.hash = '#/examples'")
        tab.wait_for_selector("main input[type=search]")
        # The first search unpacks all texts; those after it are what a user waits for.
        first = typed(tab, "th")
        later = [typed(tab, word) for word in ("the answer", "therefore not", "zebra", "a", "")]
        chosen = [selected(tab, verdict) for verdict in ("failed", "passed", "")]
        browser.close()
    return {
        "interactive_seconds": round(ready, 2),
        "map_seconds": round(mapped, 2),
        "first_search_seconds": round(first, 3),
        "search_seconds": [round(seconds, 3) for seconds in later],
        "filter_seconds": [round(seconds, 3) for seconds in chosen],
    }


_TIMED = """async ([kind, value]) => {
    const names = {input: 'main input[type=search]', change: 'main select[aria-label=verdicts]'};
    const field = document.querySelector(names[kind]);
    const tally = document.querySelector('main .tally');
    const drawn = new Promise(done => new MutationObserver(done).observe(tally, {childList: true}));
    const start = performance.now();
    field.value = value;
    field.dispatchEvent(new Event(kind));
    await drawn;
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    return (performance.now() - start) / 1000;
}"""


def typed(tab: Any, words: str) -> float:
    return float(tab.evaluate(_TIMED, ["input", words]))


def selected(tab: Any, verdict: str) -> float:
    return float(tab.evaluate(_TIMED, ["change", verdict]))


if __name__ == "__main__":
    main()
