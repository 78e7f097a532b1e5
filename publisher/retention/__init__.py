"""Which releases keep their data files, and the removal of the others: proven, signed, and gone on with after any crash."""
