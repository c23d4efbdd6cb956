"""Changes from audit to audit: identities of findings, trends, alerts and the gate."""
