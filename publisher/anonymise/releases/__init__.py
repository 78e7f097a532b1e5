"""What a new release may say beside those that are public already: cells and classes that keep their state, batches that wait."""
