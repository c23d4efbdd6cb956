"""What everything else stands on: errors, records, claims, safe text and atomic writes."""
