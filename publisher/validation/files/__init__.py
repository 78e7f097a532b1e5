"""Frictionless' own report on a file, with the clean rows proven clean by vectorised checks. README.md has the walk."""
