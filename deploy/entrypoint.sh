#!/bin/sh
# Dagster wants its folder, with dagster.yaml in it, before it starts; a volume is empty at first.
set -eu
python -c 'from faultmap_assets.kit.instance import prepare_home
from faultmap_assets.settings import load_settings
prepare_home(load_settings())'
exec "$@"
