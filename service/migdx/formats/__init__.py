"""Formats turn bytes into columns and structures, and back; tables.py says which there are, by media type.

The tables stand in a module of their own, so that a child process that reads imports no writer.

How a data file is read, in a child process:

| step | module |
|---|---|
| the process, its limits, its answer | sandbox.py, child.py, wire.py; workbook_wire.py for cells |
| out of an archive, and what the bytes are | opening.py: archives.py, content.py |
| its kind has a reader: `read(file, job) -> Columns` | those of child.READERS, and what begins alike |
| what readers share | refused, faults, parts, numbered, text_encoding, cell_texts |

A further format to read is a module with `read`, its kind in content.py, and a row in child.READERS; one to
write is a function and a row in tables.py. json2_*, json10_*, ml3_*, ml21_* and xml_* are of structures.
"""
