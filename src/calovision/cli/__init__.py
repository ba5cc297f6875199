"""The command line: one thin function per verb, everything heavy imported inside."""
