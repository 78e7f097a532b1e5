"""Rows of files that an agency drops: where they lie, which are taken, how each form is read."""
