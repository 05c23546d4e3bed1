"""plate-edge: plate reads that carry their own rules.

::

     unit   lane 1  camera → gate → detector → tracker → recognizer → vote → label → decide → seal → OUTBOX
            lane 2  OUTBOX → publisher (MQTT 5, TLS) ······················→ receipt → prune
     agency         broker → ingest: verify → open → STORE → commit → receipt

The lanes meet only in the outbox.  Start reading at ``pipeline.py``.
"""

import os

# OpenCV reads these when it is loaded, and this module is loaded before any that imports it: no picture over 20 megapixels is
# decoded, and the chatter of FFmpeg, which may repeat an address with its password, and of OpenCV itself stays off standard
# error, where this project says what is wrong in its own words.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "20000000")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")

__version__ = "0.1.0"
