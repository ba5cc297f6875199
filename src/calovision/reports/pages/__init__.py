"""A page of the report for each system."""
