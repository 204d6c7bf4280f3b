"""Areas: which relations become one, how they are assembled, and how they follow the map."""
