"""One file anonymised by a policy, without a definition: `phusa anonymise`. The steps are those of a release, its checker included."""
