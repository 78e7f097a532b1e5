"""Everything that an installation cannot make again, in one file and back."""
