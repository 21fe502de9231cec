"""What runs inside confined processes: the program, and the tests that judge it from a process of their own."""
