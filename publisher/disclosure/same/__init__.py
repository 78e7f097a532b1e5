"""G1: every form of a table holds what its Parquet file holds, and nothing beside it."""
