"""From files to staged rows: scanning, redaction, the conservation ledger."""
