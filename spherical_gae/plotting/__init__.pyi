from .pictures import plot_images, plot_plane, plot_sphere, save_figure, to_longitude_latitude

__all__ = ["plot_images", "plot_plane", "plot_sphere", "save_figure", "to_longitude_latitude"]
