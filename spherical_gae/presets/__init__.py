"""Presets of the command line and the benchmarks, as JSON."""
