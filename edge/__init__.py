"""plate-edge: plate reads that carry their own rules.

::

     unit   lane 1  camera → detector → tracker → recognizer → vote → label → decide → seal → OUTBOX
            lane 2  OUTBOX → publisher (MQTT 5, TLS) ······················→ receipt → prune
     agency         broker → ingest: verify → open → STORE → commit → receipt

The lanes meet only in the outbox.  Start reading at ``pipeline.py``.
"""

__version__ = "0.1.0"
