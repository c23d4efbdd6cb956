"""The assets, thin over `faultmap_core`: read rows, ask the core one question, write rows, tell."""

from faultmap_assets.asset_metadata import with_metadata
from faultmap_assets.assets.comparisons import model_comparisons
from faultmap_assets.assets.drift import topic_drift
from faultmap_assets.assets.errors import error_judgments, error_signatures, error_taxonomy
from faultmap_assets.assets.evals import raw_evals
from faultmap_assets.assets.history import finding_history
from faultmap_assets.assets.production import coverage_gaps, production_logs
from faultmap_assets.assets.production_slices import production_slices
from faultmap_assets.assets.prompts import prompt_clusters, prompt_embeddings
from faultmap_assets.assets.quality import dataset_quality
from faultmap_assets.assets.report import audit_report
from faultmap_assets.assets.scores import scores
from faultmap_assets.assets.slices import failure_slices
from faultmap_assets.settings import settings_at_import

ASSETS = with_metadata(
    [
        raw_evals,
        scores,
        prompt_embeddings,
        prompt_clusters,
        failure_slices,
        model_comparisons,
        error_judgments,
        dataset_quality,
        error_taxonomy,
        error_signatures,
        production_logs,
        coverage_gaps,
        production_slices,
        topic_drift,
        finding_history,
        audit_report,
    ],
    settings_at_import(),
)

__all__ = ["ASSETS"]
