"""G6: small cells, and what all published tables together tell of hidden ones."""

from publisher.disclosure.cells.small import recounts, small_cells
from publisher.disclosure.cells.subtraction import subtractions

__all__ = ["recounts", "small_cells", "subtractions"]
