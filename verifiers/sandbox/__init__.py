"""The sandbox that runs what a model wrote. Standard library only, so that the inside can be started bare."""
