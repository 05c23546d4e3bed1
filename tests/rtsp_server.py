"""A small RTSP camera for the tests, run by the system's Python: ``rtsp_server.py PORT [USER PASSWORD]``.

Serves a moving test picture as H.264 at ``/live``; prints ``ready`` when it listens.  Needs Debian's ``python3-gi``,
``gir1.2-gst-rtsp-server-1.0`` and an H.264 encoder plug-in.
"""

from __future__ import annotations

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

Gst.init(None)
ENCODER = (
    "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10"
    if Gst.ElementFactory.find("x264enc")
    else "openh264enc gop-size=10"
)
LAUNCH = (
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=20/1 ! "
    f"{ENCODER} ! rtph264pay name=pay0 pt=96 config-interval=1 )"
)


def main() -> None:
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service(sys.argv[1])
    factory = GstRtspServer.RTSPMediaFactory.new()
    factory.set_launch(LAUNCH)
    factory.set_shared(True)
    if len(sys.argv) > 3:
        allow(server, factory, sys.argv[2], sys.argv[3])
    server.get_mount_points().add_factory("/live", factory)
    if server.attach(None) == 0:
        sys.exit("cannot listen")
    print("ready", flush=True)
    GLib.MainLoop().run()


def allow(server: GstRtspServer.RTSPServer, factory: GstRtspServer.RTSPMediaFactory, user: str, password: str) -> None:
    """Only this user may read; the camera asks for it as cameras do (digest)."""
    auth = GstRtspServer.RTSPAuth.new()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.set_realm("camera")
    token = GstRtspServer.RTSPToken.new()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(user, password, token)
    permissions = GstRtspServer.RTSPPermissions.new()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)
    server.set_auth(auth)


if __name__ == "__main__":
    main()
