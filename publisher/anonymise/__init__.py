"""The privacy policy applied: drop, generalise, suppress, pseudonymise, aggregate."""

from publisher.anonymise.anonymiser import AnonymisedTables, anonymise_table

__all__ = ["AnonymisedTables", "anonymise_table"]
