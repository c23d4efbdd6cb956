"""Promises broken on purpose: `mutants.yaml` lists the faults, `run.py` shows that a test notices each."""
