"""One description of a dataset, told in the formats of other catalogues."""
