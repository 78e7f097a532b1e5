"""What changes from one release to the next: the contract with its version, the rows, and the source's columns."""
