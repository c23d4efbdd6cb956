"""The asset of audits over time: findings, trends, alerts and their delivery."""
