"""How fast the line is on this machine: the real stages, watched.  Start reading at ``run.py``."""
