"""The demonstration: a past year that it brings along, and how that year was cut."""
