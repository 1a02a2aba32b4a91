"""``python -m spherical_gae`` is the command ``spherical-gae``."""

from spherical_gae.cli.app import main

if __name__ == "__main__":
    main()
