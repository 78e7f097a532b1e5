"""Aggregated tables: cells counted over the rows that leave, and those hidden because somebody could be told from them."""
