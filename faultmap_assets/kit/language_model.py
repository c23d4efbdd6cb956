"""Open the language models that the settings name, and copy their costs to the warehouse."""

from __future__ import annotations

from datetime import UTC

import pyarrow as pa

from faultmap_assets.settings import LanguageModelSettings, ModelUnderTestSettings, PriceSettings, Settings
from faultmap_assets.warehouse.connection import Connection, insert
from faultmap_core.llm import Budget, CallStore, LanguageModel, Price, PromptLibrary


def open_language_model(settings: Settings, store: CallStore | None = None) -> LanguageModel | None:
    """Return the model that names and judges, or None where the settings name none. Nothing is called yet."""
    chosen = settings.language_model
    if chosen.model is None:
        return None
    return _client(settings, chosen, chosen.model, store)


def open_model_under_test(settings: Settings, name: str, store: CallStore | None = None) -> LanguageModel:
    """Return the model that answers as `name` in the evals, to be sampled for entropy scores."""
    chosen = settings.entropy.models.get(name, ModelUnderTestSettings())
    return _client(settings, chosen, chosen.model or name, store)


def _client(
    settings: Settings, chosen: LanguageModelSettings | ModelUnderTestSettings, model: str, store: CallStore | None
) -> LanguageModel:
    judge = settings.language_model
    parameters = {**chosen.parameters, **({"api_base": chosen.api_base} if chosen.api_base else {})}
    return LanguageModel(
        model,
        store=store or CallStore(settings.call_store_path),
        budget=Budget(**judge.budget.model_dump()),
        price=_price(chosen.price),
        parameters=parameters,
        api_key_variable=chosen.api_key_variable,
        max_concurrent=judge.max_concurrent,
        timeout_seconds=judge.timeout_seconds,
        max_attempts=judge.max_attempts,
        temperature=judge.temperature,
        max_tokens=judge.max_tokens,
        seed=settings.seed,
        prompts=PromptLibrary(judge.prompts_folder),
    )


def _price(price: PriceSettings | None) -> Price | None:
    return Price(price.input_per_million, price.output_per_million) if price else None


def copy_calls(connection: Connection, store: CallStore) -> None:
    """Add to `llm_calls` what the call store has and the warehouse has not; the store itself is the ledger."""
    row = connection.execute("SELECT coalesce(max(call_id), 0) FROM llm_calls").fetchone()
    known = int(row[0]) if row else 0
    calls = store.calls(known)
    records = [
        {
            "call_id": call.call_id,
            "called_at": call.at.astimezone(UTC).replace(tzinfo=None),
            "asset": call.asset,
            "partition_key": call.partition,
            "model": call.model,
            "template": call.template,
            "prompt_tokens": call.prompt_tokens,
            "completion_tokens": call.completion_tokens,
            "cost_usd": call.cost,
            "seconds": call.seconds,
            "cached": call.cached,
            "outcome": call.outcome,
            "attempts": call.attempts,
        }
        for call in calls
    ]
    if records:
        insert(connection, "llm_calls", pa.Table.from_pylist(records, schema=_CALLS))


_CALLS = pa.schema(
    {
        "call_id": pa.int64(),
        "called_at": pa.timestamp("us"),
        "asset": pa.string(),
        "partition_key": pa.string(),
        "model": pa.string(),
        "template": pa.string(),
        "prompt_tokens": pa.int64(),
        "completion_tokens": pa.int64(),
        "cost_usd": pa.float64(),
        "seconds": pa.float64(),
        "cached": pa.bool_(),
        "outcome": pa.string(),
        "attempts": pa.int32(),
    }
)
