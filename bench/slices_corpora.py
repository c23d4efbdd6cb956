"""The labelled corpora of the slice benchmarks, and their vectors (computed once, kept in a cache folder)."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pandas as pd

from faultmap_core.data.prompts import normalized
from faultmap_core.embedding import get_embedder

CORPORA = ("banking77", "clinc150", "mmlupro")
SOURCES = {
    "banking77": ("queries/banking77.parquet", "input_text", "intent"),
    "clinc150": ("queries/clinc150.parquet", "input_text", "intent"),
    "mmlupro": ("evals/mmlupro_questions.parquet", "question", "category"),
}
LARGEST = 10_000


@dataclass(frozen=True)
class Corpus:
    """Distinct prompts in a fixed random order with their topic; vectors are unit rows."""

    name: str
    prompts: list[str]
    topic: NDArray[np.int64]
    topics: list[str]
    vectors: NDArray[np.float32]


def embedders() -> list[str]:
    """Names of the embedders that are available here."""
    from slices_minilm import model_folder

    return ["wordllama", *(["minilm"] if model_folder() else [])]


def load(name: str, embedder: str, data: Path, cache: Path) -> Corpus | None:
    """Return up to 10,000 distinct prompts of a corpus; None, with a message, where its file is absent."""
    file, text, topic = SOURCES[name]
    if not (data / file).exists():
        print(f"skipped {name}: {data / file} does not exist (--data names the folder)", file=sys.stderr)
        return None
    table = pd.read_parquet(data / file)
    table = table[table[topic].notna() & (table[topic] != "oos") & (table[topic] != "other")]
    table = table[~table[text].map(normalized).duplicated()].sample(frac=1.0, random_state=0).head(LARGEST)
    prompts = table[text].tolist()
    codes, names = pd.factorize(table[topic], sort=True)
    vectors = _vectors(prompts, embedder, cache)
    return Corpus(name, prompts, np.asarray(codes, dtype=np.int64), [str(one) for one in names], vectors)


def _vectors(prompts: list[str], embedder: str, cache: Path) -> NDArray[np.float32]:
    digest = hashlib.blake2b("\x00".join(prompts).encode(), digest_size=8).hexdigest()
    file = cache / f"{embedder}_{digest}.npy"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        if embedder == "minilm":
            from slices_minilm import MiniLM, model_folder

            folder = model_folder()
            assert folder is not None
            vectors = MiniLM(folder).embed(prompts)
        else:
            vectors = get_embedder(embedder).embed(prompts)
        np.save(file, vectors)
    loaded: NDArray[np.float32] = np.load(file)
    return loaded
