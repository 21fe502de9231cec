"""Supervised worker processes: started, fed, watched and killed."""
