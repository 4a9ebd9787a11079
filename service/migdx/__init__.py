"""migdx: an SDMX exchange for statistics. README.md shows it at work, tests/test_layers.py its layers."""

__version__ = "0.1.0"
