"""A synthetic city: agency databases, a REST service and file drops to try everything on. Start at `city.py`."""
