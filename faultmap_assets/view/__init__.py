"""The report's page over a local server: everything that the warehouse holds, and where people label judgments."""

from faultmap_assets.view.error_map_file import ErrorMapView
from faultmap_assets.view.server import ViewServer, free_socket
from faultmap_assets.view.warehouse_view import WarehouseView

__all__ = ["ErrorMapView", "ViewServer", "WarehouseView", "free_socket"]
