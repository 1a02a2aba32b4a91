"""The command ``spherical-gae``: one file a command."""
