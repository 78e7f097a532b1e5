"""G7, G8 and G10: what several releases together would tell that none of them tells alone."""
