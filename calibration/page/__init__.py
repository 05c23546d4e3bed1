"""The technician's page: a browser on a tablet at the foot of the pole shows what the camera sees and what to turn.

door.py         who may come in: a one-time code, one tablet at a time, for an hour
certificate.py  the page's TLS certificate and its fingerprint
sources.py      where the pictures come from: a camera, a played-back clip, or the running unit's window
feed.py         the newest picture with what was found on it, for as long as somebody looks
glance.py       what is measured on picture after picture; judged.py: the traffic light that comes of it
focusing.py     focus with peak-hold; cards.py: the card in the lane; drive.py: passes of known plates
hour.py         the steps of the hour, each done by the functions of the headless commands; summary.py: its parts
messages.py     what the tablet may send, bounded; state.py: what it is told
app.py          addresses and answers; every answer goes through the door
serve.py        the server's life: bound, shown on the terminal, over after an hour; command.py: from options to it
cost.py         what the page costs the running line, measured with viewer.py, a tablet without a screen
static/         hand-written HTML, CSS and JavaScript, all of it served from the unit
"""
