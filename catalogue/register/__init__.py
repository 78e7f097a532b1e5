"""What the catalogue keeps: datasets, resources, organizations and groups, how they are read, written and shown."""
