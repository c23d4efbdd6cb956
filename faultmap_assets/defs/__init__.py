"""The assets, thin over `faultmap_core`: read rows, ask the core one question, write rows, tell."""

from faultmap_assets.defs.evals.prompts import prompt_clusters, prompt_embeddings
from faultmap_assets.defs.evals.raw_evals import raw_evals
from faultmap_assets.defs.evals.scores import scores
from faultmap_assets.defs.history.finding_history import finding_history
from faultmap_assets.defs.production.coverage_gaps import coverage_gaps, production_logs
from faultmap_assets.defs.production.production_slices import production_slices
from faultmap_assets.defs.production.topic_drift import topic_drift
from faultmap_assets.defs.report.audit_report import audit_report
from faultmap_assets.defs.where.failure_slices import failure_slices
from faultmap_assets.defs.where.model_comparisons import model_comparisons
from faultmap_assets.defs.why.dataset_quality import dataset_quality
from faultmap_assets.defs.why.errors import error_judgments, error_signatures, error_taxonomy
from faultmap_assets.kit.asset_metadata import with_metadata
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
