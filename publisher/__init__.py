"""Inside: makes releases from agency data. Imports nothing of the catalogue or the site."""
