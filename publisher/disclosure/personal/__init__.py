"""Detectors of personal data: in columns by whole-column evidence, in texts by their words."""
