"""Dagster resources of the assets: the settings, the warehouse, the embedder, the language model and the namer.

The settings file is read at the start of every run, so that a change holds from the next run on without a reload.
"""

import dagster as dg

from faultmap_assets.kit.language_model import open_language_model
from faultmap_assets.kit.namer import WarehouseNamer
from faultmap_assets.settings import Settings, load_settings
from faultmap_assets.warehouse.connection import Warehouse, open_warehouse
from faultmap_core.embedding import Embedder, get_embedder
from faultmap_core.llm import LanguageModel


@dg.resource(description="faultmap.yaml, read anew for every run")
def settings_resource() -> Settings:
    """The settings."""
    return load_settings()


@dg.resource(required_resource_keys={"settings"}, description="The DuckDB file that holds every result")
def warehouse_resource(context: dg.InitResourceContext) -> Warehouse:
    """The warehouse."""
    return open_warehouse(context.resources.settings)


@dg.resource(required_resource_keys={"settings"}, description="Turns prompts into vectors")
def embedder_resource(context: dg.InitResourceContext) -> Embedder:
    """The embedder that the settings name."""
    settings: Settings = context.resources.settings
    return get_embedder(settings.embedding.model, max_text_chars=settings.embedding.max_text_chars)


@dg.resource(required_resource_keys={"settings"}, description="Names and judges; nothing where none is set")
def language_model_resource(context: dg.InitResourceContext) -> LanguageModel | None:
    """The language model that the settings name, if they name one."""
    return open_language_model(context.resources.settings)


@dg.resource(required_resource_keys={"settings", "language_model"}, description="Names the regions that are found")
def namer_resource(context: dg.InitResourceContext) -> WarehouseNamer:
    """The language model's namer, or the one by keywords."""
    settings: Settings = context.resources.settings
    return WarehouseNamer(context.resources.language_model if settings.language_model.names else None)


RESOURCES = {
    "settings": settings_resource,
    "warehouse": warehouse_resource,
    "embedder": embedder_resource,
    "language_model": language_model_resource,
    "namer": namer_resource,
}
