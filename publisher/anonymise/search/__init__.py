"""The levels of least loss under which enough units share every combination of quasi-identifiers."""
