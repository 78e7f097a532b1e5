"""Releases taken from the public: by a person, or because they no longer pass; told, carried out, and gone on with after any crash."""
