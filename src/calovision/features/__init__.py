"""Numbers and inputs that networks and metrics take from events: jet shapes, hits, towers."""
