from .globe import write_globe
from .pictures import plot_images, plot_plane, plot_sphere, save_figure, to_longitude_latitude
from .projection import GlobeProjection, globe_projection

__all__ = [
    "GlobeProjection",
    "globe_projection",
    "plot_images",
    "plot_plane",
    "plot_sphere",
    "save_figure",
    "to_longitude_latitude",
    "write_globe",
]
