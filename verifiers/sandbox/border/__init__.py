"""What passes between tests and the program that they judge, which run in two processes."""
