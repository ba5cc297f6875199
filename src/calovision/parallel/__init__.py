"""Work on several cores or machines."""
