"""What happens to one field: treatments with levels, hierarchies, pseudonyms."""
