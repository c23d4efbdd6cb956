import logging
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from faultmap_core.base.errors import ConfigurationError, EmbeddingError
from faultmap_core.embedding import Embedder, get_embedder, is_local
from faultmap_core.embedding.api import ApiEmbedder


def test_the_embedded_model_gives_unit_rows_and_no_nan():
    vectors = get_embedder().embed(["How do I reset my password?", "", "   ", "\ud800", "42"])
    assert vectors.shape == (5, 256)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0, 0, 1, 1], abs=1e-6)
    assert get_embedder().embed([]).shape == (0, 256)


def test_a_text_has_the_same_bytes_in_any_company():
    embedder = get_embedder()
    alone = embedder.embed(["short text"])[0]
    beside = embedder.embed(["a much longer text about something else entirely " * 20, "short text"])[1]
    assert (alone == beside).all()


def test_vectors_are_wordllamas_own():
    from pathlib import Path

    import wordllama

    model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    texts = ["the quick brown fox", "Translate this: bonjour"]
    assert get_embedder().embed(texts) == pytest.approx(model.embed(texts, norm=True), abs=1e-5)


def test_meaning_is_near_meaning():
    a, b, c = get_embedder().embed(["cancel my order", "please cancel the order", "weather in Paris tomorrow"])
    assert a @ b > a @ c


def test_loading_leaves_the_root_logger_alone():
    before = list(logging.getLogger().handlers), logging.getLogger().level
    get_embedder().embed(["x"])
    assert (list(logging.getLogger().handlers), logging.getLogger().level) == before


def test_the_id_changes_with_what_changes_vectors():
    assert get_embedder().id == "wordllama/l2_supercat_256"
    assert get_embedder(max_text_chars=10).id != get_embedder().id
    assert isinstance(get_embedder(), Embedder)


def test_a_missing_extra_gives_the_install_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(EmbeddingError, match=r"pip install 'faultmap-assets\[local\]'"):
        get_embedder("all-MiniLM-L6-v2").embed(["x"])


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("all-MiniLM-L6-v2", True),
        ("all-mpnet-base-v2", True),
        ("paraphrase-MiniLM-L3-v2", True),
        ("BAAI/bge-small-en", True),
        ("./models/mine", True),
        ("text-embedding-3-small", False),
        ("nvidia_nim/nvidia/nv-embedqa-e5-v5", False),
    ],
)
def test_names_choose_the_embedder(name, local):
    assert is_local(name) is local


def test_wrong_names_and_limits_are_refused():
    with pytest.raises(ConfigurationError, match="empty"):
        get_embedder(" ")
    with pytest.raises(ConfigurationError, match="max_text_chars is 0"):
        get_embedder(max_text_chars=0)


@pytest.fixture
def requests(monkeypatch):
    """A litellm that answers with the length of each text, in reversed order, and keeps what it was asked."""
    asked = []

    def embedding(**request):
        asked.append(request)
        found = [{"index": i, "embedding": [float(len(text)), 1.0]} for i, text in enumerate(request["input"])]
        return SimpleNamespace(data=found[::-1])

    monkeypatch.setattr("faultmap_core.embedding.api.import_litellm", lambda: SimpleNamespace(embedding=embedding))
    return asked


def test_api_texts_are_batched_cut_and_put_back_in_order(requests):
    embedder = ApiEmbedder("some-model", max_text_chars=4, batch_size=2, request_kwargs={"dimensions": 2})
    vectors = embedder.embed(["a", "", "bbb", "ccccccc"])
    assert [request["input"] for request in requests] == [["a", "bbb"], ["cccc"]]
    assert requests[0]["dimensions"] == 2
    assert vectors[:, 0] / np.where(vectors[:, 1] > 0, vectors[:, 1], 1) == pytest.approx([1, 0, 3, 4])
    assert embedder.dimensions == 2


def test_api_roles_have_options_of_their_own(requests):
    embedder = ApiEmbedder("nvidia/nv-embedqa-e5", usage_kwargs={"query": {"truncate": "END"}})
    embedder.embed(["x"], "query")
    embedder.embed(["x"], "document")
    assert (requests[0]["input_type"], requests[0]["truncate"]) == ("query", "END")
    assert requests[1]["input_type"] == "passage"
    assert "truncate" not in requests[1]


def test_api_failures_name_the_model(monkeypatch):
    def embedding(**request):
        raise TimeoutError("slow")

    monkeypatch.setattr("faultmap_core.embedding.api.import_litellm", lambda: SimpleNamespace(embedding=embedding))
    with pytest.raises(EmbeddingError, match="'some-model' failed on 1 texts: TimeoutError: slow"):
        ApiEmbedder("some-model").embed(["x"])


def test_api_failures_do_not_repeat_the_key(monkeypatch):
    def embedding(**request):
        raise PermissionError(f"wrong key {request['api_key']} and sk-from-the-environment-1")

    monkeypatch.setenv("OTHER_API_KEY", "sk-from-the-environment-1")
    monkeypatch.setattr("faultmap_core.embedding.api.import_litellm", lambda: SimpleNamespace(embedding=embedding))
    with pytest.raises(EmbeddingError, match="PermissionError: wrong key") as caught:
        ApiEmbedder("some-model", request_kwargs={"api_key": "plain-word-secret"}).embed(["x"])
    assert caught.value.__cause__ is None
    assert "secret" not in str(caught.value)
    assert "environment" not in str(caught.value)
