"""Sources of frames behind one interface: recorded clips, pictures, network streams, USB cameras.

Start reading at ``interface.py``; ``open.py`` picks the implementation by the kind of source.
"""
