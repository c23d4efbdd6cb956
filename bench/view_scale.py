"""How long does `faultmap view` take to show its first page of a large warehouse, and each thing after it?

    python bench/view_scale.py [--rows 1000000] [--write]

A warehouse of generated answers of two models to four exams, with judgments, a taxonomy, slices and a map, as an audit
leaves it; then the real server over HTTP, and while it answers, a writer that wants the file. --write keeps
results/view_scale.json.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from faultmap_assets.settings import Settings
from faultmap_assets.view import ViewServer, WarehouseView
from faultmap_assets.warehouse.connection import Warehouse

_RESULTS = Path(__file__).parent / "results" / "view_scale.json"
_FILL = (
    """INSERT INTO raw_evals (dataset, model, example_id, epoch, input_text, output_text, score, correct_answer,
        metadata, source_path, source_line, row_digest)
    SELECT 'exam-' || (i // 2 % 4), ['alpha', 'beta'][1 + i % 2], 'example-' || (i // 2), 1,
        'Question ' || (i // 2) || ': ' || md5('q' || (i // 2)) || repeat(' what is asked ' || md5('x' || i // 2), 8),
        'Answer ' || i || ': ' || md5('a' || i) || repeat(' so it follows that ' || md5('y' || i), 20),
        (md5_number_lower('s' || i) % 10 >= 3)::INT, 'yes', '{}', 'made', i, md5('r' || i) FROM range($rows) t(i)""",
    """INSERT INTO scores SELECT dataset, model, example_id, score, 1, 1, score < 0.5, 'given', 0.5 FROM raw_evals
    WHERE $rows > 0""",
    """INSERT INTO example_prompts SELECT dataset, model, example_id, md5(example_id) FROM raw_evals WHERE $rows > 0""",
    """INSERT INTO prompt_clusters (dataset, position, prompt_id, cluster, x, y)
    SELECT dataset, row_number() OVER (PARTITION BY dataset ORDER BY prompt_id) - 1, prompt_id, 0,
        (md5_number_lower('x' || prompt_id) % 1000) / 100.0, (md5_number_lower('y' || prompt_id) % 1000) / 100.0
    FROM (SELECT DISTINCT dataset, prompt_id FROM example_prompts) WHERE $rows > 0""",
    """INSERT INTO error_judgments
    SELECT dataset, model, example_id, 'error', 'Wrong number of kind ' || md5_number_lower(example_id) % 12,
        'The answer is off by ' || md5(example_id) || '.', '[]', '[]', 'rules', '', '[]', '', '', ''
    FROM scores WHERE failed AND $rows > 0""",
    """INSERT INTO taxonomies SELECT 'v1', 'made', '', 1, current_localtimestamp(), true, '{}' WHERE $rows > 0""",
    """INSERT INTO error_categories SELECT 'v1', dataset, model, example_id,
        'kind-' || (md5_number_lower(example_id) % 12), '' FROM error_judgments WHERE $rows > 0""",
    """INSERT INTO error_taxonomy SELECT 'v1', category_id, NULL, category_id, '', 1, false, count(*), 0.1, '[]'
    FROM error_categories WHERE $rows > 0 GROUP BY category_id""",
    """INSERT INTO failure_slice_members SELECT dataset, model, 'slice-' || (md5_number_lower(example_id) % 20),
        example_id FROM scores WHERE md5_number_lower(example_id) % 4 = 0 AND $rows > 0""",
    """INSERT INTO failure_slices BY NAME
    SELECT dataset, model, slice_id, 7 AS rank, slice_id AS name, '' AS description, count(*) AS size,
        count(*) AS prompts, count(*) // 2 AS failures,
        1.0 AS excess_failures, 0.5 AS failure_rate, 0.3 AS baseline_rate, 0.2 AS risk_difference,
        0.1 AS risk_difference_low, 0.3 AS risk_difference_high, 2.0 AS effect_size, 0.001 AS p_value,
        0.01 AS adjusted_p_value, 'midp' AS test_used, 'keywords' AS named_by, '' AS root_cause,
        '' AS suggested_remediation, '[]' AS cited_examples, '' AS naming_note, '[]' AS examples
    FROM failure_slice_members WHERE $rows > 0 GROUP BY ALL""",
)


def fill(warehouse: Warehouse, rows: int) -> None:
    """Write answers and what an audit makes of them."""
    with warehouse.write() as connection:
        for statement in _FILL:
            connection.execute(statement, {"rows": rows})


def asked(server: ViewServer, path: str, **parameters: Any) -> tuple[float, int]:
    """Return seconds and bytes of one answer."""
    start = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    cookie = {"Cookie": f"faultmap-view-{server.port}={server.token}"}
    connection.request("GET", path + (f"?{urlencode(parameters)}" if parameters else ""), headers=cookie)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
    return time.perf_counter() - start, len(body)


_WRITER = """
import json, sys, time
from pathlib import Path
from faultmap_assets.warehouse.connection import Warehouse
warehouse, waits = Warehouse(Path(sys.argv[1])), []
for _ in range(10):
    start = time.perf_counter()
    with warehouse.write() as connection:
        connection.execute("CREATE OR REPLACE TABLE written AS SELECT 1 AS one")
    waits.append(time.perf_counter() - start)
    time.sleep(0.3)
print(json.dumps(waits))
"""


def beside_a_writer(server: ViewServer, path: Path) -> dict[str, Any]:
    """Turn pages as a quick reader does while another process writes ten times; return how long each waits."""
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    pages = []
    while writer.poll() is None:
        pages.append(asked(server, "/examples", offset=50 * len(pages), limit=50)[0])
        time.sleep(0.3)
    waits = json.loads(writer.communicate()[0])
    return {
        "page_seconds_median": round(statistics.median(pages), 3),
        "page_seconds_longest": round(max(pages), 3),
        "write_seconds_median": round(statistics.median(waits), 3),
        "write_seconds_longest": round(max(waits), 3),
    }


def measured(rows: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_validate({"home": folder})
        warehouse = Warehouse(settings.warehouse_path)
        fill(warehouse, rows)
        with ViewServer(WarehouseView(settings)) as server:
            result = _pages(server, rows)
            crowded = beside_a_writer(server, settings.warehouse_path)
        size = settings.warehouse_path.stat().st_size / 1e6
    return {
        "rows": rows,
        "warehouse_mb": round(size, 1),
        **result,
        "beside_a_writer": crowded,
    }


def _pages(server: ViewServer, rows: int) -> dict[str, Any]:
    shell, _ = asked(server, "/")
    findings, findings_bytes = asked(server, "/parts/findings")
    cached, _ = asked(server, "/parts/findings")
    points, points_bytes = asked(server, "/parts/points")
    queries: dict[str, dict[str, Any]] = {
        "examples_first": {},
        "examples_last": {"offset": rows - 50},
        "sorted_by_error": {"sort": "-error"},
        "failed_of_one_model": {"model": "alpha", "verdict": "failed"},
        "of_a_slice": {"dataset": "exam-0", "model": "alpha", "slice": "slice-4"},
        "of_a_kind": {"kind": "kind-3"},
        "search": {"q": "follows 0badc0de"},
        "one_example": {"dataset": "exam-0", "id": "example-4"},
    }
    pages = {}
    for name, query in queries.items():
        seconds, size = asked(server, "/examples", **{"limit": 50, **query})
        pages[name] = {"seconds": round(seconds, 3), "kb": round(size / 1e3, 1)}
    return {
        "first_page_seconds": round(shell + findings, 3),
        "shell_seconds": round(shell, 3),
        "findings_seconds": round(findings, 3),
        "findings_kb": round(findings_bytes / 1e3, 1),
        "findings_again_seconds": round(cached, 3),
        "map_seconds": round(points, 3),
        "map_kb": round(points_bytes / 1e3, 1),
        "pages": pages,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    result = {"machine": machine, **measured(arguments.rows)}
    text = json.dumps(result, indent=1) + "\n"
    if arguments.write:
        _RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
