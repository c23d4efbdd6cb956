"""Nothing that only one person or session wrote becomes the name or the description of a finding in production."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from faultmap_assets.automation.selection import Selection
from faultmap_assets.cli.runner import refresh_stale
from faultmap_assets.defs.production.production_slices import shared_values
from faultmap_assets.ingestion.staging import ingest_file
from faultmap_assets.settings import Settings
from faultmap_core.discovery.coverage.audit import audit_coverage
from faultmap_core.discovery.drift.drift import find_drift
from faultmap_core.embedding import get_embedder
from faultmap_core.naming.keywords import KeywordNamer, NamingTask
from faultmap_core.naming.llm_namer import NamedRegion, RegionNames, _complaint, _Region
from faultmap_core.naming.prompt_sources import sources_of
from tests.conftest import CITIES, DISHES, Project, eval_rows, write_csv

_TREES = "elm oak birch maple cedar spruce aspen willow hazel rowan linden alder poplar larch"
STREETS = _TREES.split()
REST = [f"Tell me something about item {number} of the list" for number in range(30)]


def named(prompts: list[str], users: list[str | None] | None):
    unit = np.arange(len(prompts))
    task = NamingTask(prompts, len(prompts), 5, 0.5, 0.1, sources=sources_of(unit, users, len(prompts)))
    (name,) = KeywordNamer().name_regions([task], [*prompts, *REST])
    return name, f"{name.name} {name.description} {' '.join(name.keywords)}".casefold()


def test_a_word_of_one_user_is_never_in_a_name_however_often_it_is_written():
    prompts = [f"the Ravensworth boiler in {street} street leaks" for street in STREETS]
    one, said = named(prompts, ["u-1"] * len(prompts))
    assert not {"ravensworth", "boiler", "leaks"} & set(said.replace(",", " ").split())
    assert one.name == "mixed prompts"
    # A second one who says boiler gives that word, and no other.
    two, said = named([*prompts, "my boiler"], ["u-1"] * len(prompts) + ["u-2"])
    assert (two.name, two.keywords) == ("boiler", ("boiler",))
    assert "ravensworth" not in said
    known, _ = named(prompts, [f"u-{number}" for number in range(len(prompts))])
    assert "ravensworth" in known.name
    # Of unknown users every row is one of its own.
    for unknown in (None, [None] * len(prompts), [""] * len(prompts)):
        assert named(prompts, unknown)[0].name == known.name


def test_a_spelling_of_one_user_is_not_shown():
    prompts = [f"boilers leaking in {street}" for street in STREETS] + ["a boiler in fir", "a boiler in yew"]
    name, said = named(prompts, ["u-1"] * len(STREETS) + ["u-2", "u-3"])
    assert name.name == "boiler"
    assert "boilers" not in said


def test_the_typical_prompt_is_one_that_two_have_asked():
    rare = [f"please {a} my {b}" for a, b in zip(STREETS, reversed(STREETS), strict=True)]
    prompts = [*rare, "reset my password"]
    unit = np.array([*range(len(prompts)), len(rare)])
    for users, typical in (
        ([*(f"u-{number}" for number in range(len(rare))), "x", "y"], True),
        ([*(f"u-{number}" for number in range(len(rare))), "x", "x"], False),
    ):
        task = NamingTask(prompts, 20, 5, 0.5, 0.1, sources=sources_of(unit, users, len(prompts)))
        (name,) = KeywordNamer().name_regions([task], REST)
        assert ("Typical prompt: “reset my password”." in name.description) == typical
        assert not any(prompt in name.description for prompt in rare)


def test_a_models_name_with_a_word_of_one_user_is_refused_and_not_taken():
    prompts = ["boiler of Ravensworth leaks", "boiler in fir leaks", "boiler in yew leaks"]
    task = NamingTask(prompts, 3, 3, 1.0, 0.0, sources=sources_of(np.arange(3), ["a", "b", "c"], 3))
    (hint,) = KeywordNamer().name_regions([task], REST)
    region = _Region.of("R1", task, hint, 200)
    for name, taken in (("Ravensworth boilers", False), ("Leaking boilers and heating", True)):
        reply = NamedRegion(
            region="R1", name=name, description="d", root_cause="", suggested_remediation="", cited_example_ids=[]
        )
        complaint = _complaint(RegionNames(regions=[reply]), [region], set()) or ""
        assert ("of one person" in complaint) != taken
        assert "Ravensworth" not in complaint
        given = region.name_from(reply, set(), "model", "")
        assert given.name == (name if taken else hint.name)
        assert "Ravensworth" not in given.note


def test_a_metadata_value_of_one_user_is_no_name():
    values = ["Ravensworth", "Ravensworth", "web", "web", None]
    assert shared_values(values, ["a", "a", "a", "b", "c"]) == [None, None, "web", "web", None]
    assert shared_values(values, [None] * 5) == values


CITY_QUESTIONS = [f"What is the capital city of the country around {city}?" for city in CITIES.split()]
LEAKS = [f"the Ravensworth boiler in {street} street leaks water" for street in STREETS]


@pytest.mark.parametrize(("users", "told"), [(["u-1"] * len(LEAKS), False), (None, True)])
def test_gaps_and_topics_of_one_user_have_no_name_of_theirs(users: list[str | None] | None, told: bool):
    embedder = get_embedder()
    asked = [*CITY_QUESTIONS, *LEAKS]
    sources = None if users is None else [None] * len(CITY_QUESTIONS) + users
    kitchen = [f"How long does it take to cook {dish} at home?" for dish in DISHES.split()]
    tests = [*CITY_QUESTIONS, *kitchen, *(f"{city} is how far from the sea?" for city in CITIES.split())]
    vectors, known = embedder.embed(asked), embedder.embed(tests)
    gaps = audit_coverage(tests, known, asked, vectors, production_sources=sources).gaps
    assert gaps
    said = " ".join(f"{gap.name} {gap.description} {gap.keywords}" for gap in gaps).casefold()
    assert ("boiler" in said) == told
    drift = find_drift(asked, vectors, tests, known, current_sessions=sources)
    said = " ".join(f"{one.name} {one.description} {one.keywords}" for one in drift.topics).casefold()
    assert ("boiler" in said) == (told and bool(drift.topics))


@pytest.mark.slow
def test_the_assets_say_who_asked(project: Project, tmp_path: Path):
    content = {
        "home": str(project.settings.home),
        "clusters": {"map": "pca"},
        "production": {"window_days": 1, "min_topic_size": 5},
        "coverage": {"min_gap_size": 5},
    }
    Path("faultmap.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    settings = Settings.model_validate(content)
    write_csv(project.evals / "school.csv", eval_rows("school"))
    project.ingest()
    rows = [
        {"id": f"{day}-{number}", "timestamp": f"2025-11-{day:02d}T10:00:00Z", "prompt": prompt, "response": "ok",
         "user_id": "u-1" if "boiler" in prompt else f"u-{number + 10}",
         "feedback": "down" if "boiler" in prompt else "up", "site": "Ravensworth" if "boiler" in prompt else "web"}
        for day in (3, 4) for number, prompt in enumerate([*CITY_QUESTIONS, *(LEAKS if day == 4 else ())])
    ]  # fmt: skip
    path = tmp_path / "in" / "days.jsonl"
    path.parent.mkdir()
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ingest_file(project.warehouse, path, settings.log_options())
    wanted = ("raw_evals", "prompt_embeddings", "production_logs", "coverage_gaps", "production_slices")
    outcome = refresh_stale(settings, project.instance, selection=Selection(assets=wanted))
    assert outcome.failed == ()
    for table in ("coverage_gaps", "production_slices"):
        found = project.warehouse.query(f"SELECT name, description FROM {table} WHERE day = '2025-11-04'").to_pylist()
        assert found, table
        assert not [one for one in found if "boiler" in str(one).casefold() or "ravensworth" in str(one).casefold()]
