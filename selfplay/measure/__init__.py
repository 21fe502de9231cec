"""What is measured of a model and of the samples it wrote; each measure is rows of the ledger's `scores` table."""
