"""`python -m faultmap_assets.cli`."""

from faultmap_assets.cli import main

main()
