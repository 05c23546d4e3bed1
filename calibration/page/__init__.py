"""The technician's page: a browser on a tablet at the foot of the pole shows what the camera sees and what to turn.

door.py         who may come in: a one-time code, one tablet at a time, for an hour
certificate.py  the page's TLS certificate and its fingerprint
sources.py      where the pictures come from: a camera, a played-back clip, or the running unit's window
feed.py         the newest picture with what was found on it, for as long as somebody looks
messages.py     what the tablet may send, bounded
hour.py         the steps of the hour, each done by the same functions as the headless commands
app.py          addresses and answers; every answer goes through the door
serve.py        the server's life: bound, shown on the terminal, over after an hour
static/         hand-written HTML, CSS and JavaScript, all of it served from the unit
"""
