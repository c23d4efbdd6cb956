"""The assets, each with its declaration, thin over `faultmap_core`: read rows, ask the core, write rows, report."""
