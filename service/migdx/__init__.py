"""migdx: an SDMX exchange for statistics. README.md shows it at work; the layers are in tests/test_layers.py."""

__version__ = "0.1.0"
