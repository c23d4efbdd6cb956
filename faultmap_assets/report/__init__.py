"""The audit report: one self-contained HTML file and its machine-readable twin."""

from faultmap_assets.report.build import AuditReport, build_report, write_report

__all__ = ["AuditReport", "build_report", "write_report"]
