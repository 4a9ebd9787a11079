"""Formats turn bytes into columns and structures, and back; tables.py says which there are, by media type.

The tables stand in a module of their own, so that a child process that reads imports no writer.
"""
