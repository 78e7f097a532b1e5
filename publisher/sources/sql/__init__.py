"""SQL databases: PostgreSQL through ADBC, every other dialect through SQLAlchemy."""
