"""What sets and models are worth: metrics on paired samples, with floors and errors."""
