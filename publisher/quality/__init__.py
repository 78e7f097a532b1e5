"""How good a release is, and what its columns hold: measured once, when it is made, and kept in `quality.json`."""
