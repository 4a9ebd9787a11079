"""Formats turn bytes into columns and structures, and back; the tables below are all there are, by media type."""
