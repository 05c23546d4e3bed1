"""A real Chromium, headless, that trusts exactly one certificate."""

from __future__ import annotations

import base64
import hashlib
import shutil
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

#: Answers when the page has the width and two pictures of it were drawn: before, a tap may meet what stood there earlier.
_LAID_OUT = """
const [width, done] = arguments;
const look = () => screen.width === width ? requestAnimationFrame(() => requestAnimationFrame(done)) : setTimeout(look, 20);
look();
"""


def open_browser(profile: Path, known: x509.Certificate, size: tuple[int, int] = (1280, 800)) -> webdriver.Chrome:
    """A browser of ``size`` with a profile of its own that trusts ``known``; skips where there is none."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no Chromium here: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless=new",
        "--no-sandbox",  # the tests may run as root, in a container
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-extensions",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--force-prefers-reduced-motion",
        f"--user-data-dir={profile}",
        f"--window-size={size[0]},{size[1]}",
        f"--ignore-certificate-errors-spki-list={spki_hash(known)}",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # offline: nothing outside can be reached
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    browser.set_script_timeout(120)
    resize(browser, size)
    return browser


def resize(browser: webdriver.Chrome, size: tuple[int, int]) -> None:
    """Make the page itself (not the window) ``size`` large, with a finger for a pointer."""
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    browser.execute_async_script(_LAID_OUT, size[0])


def certificate(port: int) -> x509.Certificate:
    """What the page on this port shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is looked at here, and judged by its fingerprint
    with socket.create_connection(("127.0.0.1", port), 20) as plain, context.wrap_socket(plain) as link:
        return x509.load_der_x509_certificate(link.getpeercert(binary_form=True) or b"")


def spki_hash(shown: x509.Certificate) -> str:
    """SHA-256 of the public key, as Chromium wants it."""
    key = shown.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()
