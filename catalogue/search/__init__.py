"""`package_search`: the query language, the index that follows the change log, synonyms and spelling."""
