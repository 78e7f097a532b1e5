"""The encodings a text file may be declared in; each is turned into Unicode in composed form (NFC)."""
