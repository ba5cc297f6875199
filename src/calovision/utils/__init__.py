"""Small tools that know nothing of physics."""
