"""A plant around the shipped binary, for chapters in Python: a broker with TLS, a gateway under a service
manager's eyes, and a ledger read with nothing of ours. Standard library only.

Everything lies in the chapter's own directory and on ports that were free a moment ago.
"""

import atexit
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

root = pathlib.Path(os.environ["STEELYARD_ROOT"])
work = pathlib.Path(os.environ["STEELYARD_WORK"])
steelyard = os.environ["STEELYARD_BIN"]
here = root / "tests" / "chapters"
started = []


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(77)


def fail(why):
    print(f"FAILED: {why}")
    sys.exit(1)


def need(*programs):
    for program in programs:
        if not shutil.which(program) and not shutil.which(program, path="/usr/sbin"):
            skip(f"{program} is not installed here")


@atexit.register
def end_all():
    for process in started:
        if process.poll() is None:
            process.kill()


def start(log, *command, **environment):
    """In the background, its words in LOG; ends with the chapter."""
    with open(work / log, "ab") as out:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=work,
            env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin", **environment},
        )
    started.append(process)
    return process


def run(*command, code=0):
    """To its end; its words. Another exit code than expected is a failure."""
    done = subprocess.run([str(word) for word in command], cwd=work, capture_output=True, text=True, check=False)
    if code is not None and done.returncode != code:
        print(done.stdout, done.stderr)
        fail(f"{' '.join(str(word) for word in command)}: exit code {done.returncode}, not {code}")
    return done.stdout + done.stderr


def within(seconds, what, test):
    """Waits until the test gives something, and hands it back."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = test()
        if found:
            return found
        time.sleep(0.05)
    fail(f"{what}: not within {seconds} s")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def words_of(log):
    path = work / log
    return path.read_text(errors="replace") if path.exists() else ""


class Controller:
    """controller.py: every answer a temperature of its own, noted before it is sent."""

    def __init__(self):
        self.silent_file = work / "silent"
        self.log = work / "controller.said"
        self.process = start("controller.log", "python3", here / "controller.py", self.log, "--silent-file", self.silent_file)
        self.port = int(within(5, "the controller gives its port", lambda: words_of("controller.log").strip()))

    def said(self):
        return self.log.read_text().split()


class Broker:
    """Mosquitto: TLS with client certificates on one port, and a plain one for the chapter's own eyes."""

    def __init__(self):
        need("mosquitto", "mosquitto_pub", "openssl")
        self.tls, self.plain = free_port(), free_port()
        self.keys = work / "tls"
        self.keys.mkdir()
        for name in ("plant-ca", "other-ca"):
            self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", f"/CN={name}",
                          "-keyout", f"{name}.key", "-out", f"{name}.pem")
        (self.keys / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        for authority, name in (("plant-ca", "broker"), ("plant-ca", "gateway"), ("plant-ca", "store"), ("other-ca", "stranger")):
            self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
            self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
                          "-CAcreateserial", "-days", 2, "-extfile", "names", "-out", f"{name}.pem")
        for key in self.keys.glob("*.key"):
            key.chmod(0o600)
        self.process = None

    def _openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], cwd=self.keys, check=True, capture_output=True)

    def start(self, persistence):
        store = work / "broker"
        store.mkdir(exist_ok=True)
        user = "user root\n" if os.getuid() == 0 else ""
        (work / "broker.conf").write_text(
            f"{user}persistence {str(persistence).lower()}\npersistence_location {store}/\nautosave_interval 1\n"
            "max_queued_messages 0\nallow_anonymous true\nlog_type error\n"
            f"listener {self.plain} 127.0.0.1\nlistener {self.tls} 127.0.0.1\n"
            f"cafile {self.keys}/plant-ca.pem\ncertfile {self.keys}/broker.pem\nkeyfile {self.keys}/broker.key\n"
            "require_certificate true\nuse_identity_as_username true\n"
        )
        self.process = start("broker.log", "mosquitto", "-c", work / "broker.conf")
        within(10, "the broker is up", lambda: subprocess.run(
            ["mosquitto_pub", "-p", str(self.plain), "-t", "up", "-n"], capture_output=True, check=False).returncode == 0)

    def kill(self):
        """As a power cut would: no word to anybody, and nothing kept unless it was told to keep."""
        self.process.kill()
        self.process.wait()

    def forget(self):
        shutil.rmtree(work / "broker", ignore_errors=True)

    def tell(self, gateway, unit, message):
        """The context of a unit, retained, as its authority would."""
        subprocess.run(
            ["mosquitto_pub", "-p", str(self.plain), "-q", "1", "-r", "-s", "-t", f"steelyard/{gateway}/context/{unit}"],
            input=json.dumps(message).encode(), check=True)

    def hear(self, topic, seconds=10):
        """One message, or nothing."""
        heard = subprocess.run(["mosquitto_sub", "-p", str(self.plain), "-t", topic, "-C", "1", "-W", str(seconds)],
                               capture_output=True, check=False)
        return heard.stdout


def moment(ago=0.0):
    """Now, or a little before, as the record writes it."""
    at = time.time() - ago
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at * 1000) % 1000:03d}Z"


class Gateway:
    """`steelyard run`, watched as a service manager would: readiness, watchdog, exit code."""

    def __init__(self, config, ledger, log="gateway.log"):
        self.config, self.ledger, self.log = config, pathlib.Path(ledger), log
        self.process = None
        self.heard = []

    def start(self, ready_within=10):
        """Starts it; the seconds until it said that it is ready."""
        path = work / f"notify-{len(started)}"
        ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        ear.bind(str(path))
        self.heard = []
        threading.Thread(target=self._listen, args=(ear, self.heard), daemon=True).start()
        begun = time.monotonic()
        self.process = start(self.log, steelyard, "run", self.config, NOTIFY_SOCKET=str(path), WATCHDOG_USEC="30000000")
        self.hears("READY=1", ready_within)
        return time.monotonic() - begun

    @staticmethod
    def _listen(ear, heard):
        """As a service manager does: always, or whoever speaks to it would wait."""
        while True:
            heard.append(ear.recv(4096).decode())

    def hears(self, word, seconds):
        """Waits for a word to the service manager."""
        until = time.monotonic() + seconds
        while not any(word in said for said in self.heard):
            if self.process.poll() is not None or time.monotonic() > until:
                print(words_of(self.log)[-3000:])
                fail(f"the gateway did not say {word} within {seconds} s (exit code: {self.process.poll()})")
            time.sleep(0.01)

    def ask(self, request):
        """One request through the control socket beside the ledger; None where nobody answers."""
        try:
            with socket.socket(socket.AF_UNIX) as wire:
                wire.settimeout(5)
                wire.connect(str(self.ledger / "control"))
                wire.sendall(json.dumps(request).encode() + b"\n")
                return json.loads(wire.makefile().readline())
        except (OSError, ValueError):
            return None

    def status(self):
        reply = self.ask({"do": "status"})
        return json.loads(reply["text"]) if reply and reply["done"] else None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=20):
        """In order; anything but exit code 0 in time is a failure."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            fail(f"the gateway did not stop within {seconds} s")
        if code != 0:
            print(words_of(self.log)[-3000:])
            fail(f"the gateway stopped with exit code {code}")


def lines(ledger, raw=False):
    """Every line of every segment in order: seal lines as text, entries as objects; or both as bytes."""
    for path in sorted(pathlib.Path(ledger).glob("segment-*.pages*")):
        data = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
        for line in re.findall(rb"[^\n]+", data):
            yield line if raw else json.loads(line) if line.startswith(b"{") else line.decode()


def entries(ledger):
    return [line for line in lines(ledger) if isinstance(line, dict)]


def gap_free(ledger):
    """Numbers rise by one, without a hole and without a double; the entries."""
    found = entries(ledger)
    for before, after in zip(found, found[1:]):
        if after["seq"] != before["seq"] + 1:
            fail(f"entry {after['seq']} follows entry {before['seq']}")
    return found


def in_order(values, said):
    """Every value was really said, each once, in the order in which they were said."""
    rest = iter(said)
    return all(value in rest for value in values)


CONFIGURATION = """format = 1

[gateway]
name               = "line-9"
plant              = "Test"
use                = "qualification"
ledger             = "{place}/ledger"
signing_key        = "{place}/gateway.key"
stop_capture_below = "64 MiB"
seal_within        = "{seal_within}"
segment_size       = "4 MiB"

[record_store]
{record_store}

[equipment.TC-1]
title             = "Product temperature"
driver            = "tc200"
edition           = 2
modbus_tcp        = "127.0.0.1:{controller}"
unit_id           = 1
every             = "{every}"
record_with_draft = true

[unit.MX-1]
title        = "Mixer"
kind         = "mixer"
without_step = "200 ms"

[unit.MX-1.roles]
product-temperature = "TC-1.temperature"

[[capture]]
at            = "MX-1"
what          = "product-temperature"
every         = "reading"
must_be       = "10.0 to 65.0 °C"
missing_after = "{missing_after}"

[web]
listen = "127.0.0.1:0"
"""


def configuration(controller, record_store, place=work, seal_within="200 ms", every="100 ms", missing_after="2 s"):
    """The configuration of a small plant, with everything it makes below `place`."""
    path = place / "steelyard.toml"
    path.write_text(CONFIGURATION.format(place=place, controller=controller, record_store=record_store,
                                         seal_within=seal_within, every=every, missing_after=missing_after))
    return path


def batch(number, state="running", step="emulsify", begun=None, ended=None):
    """A context message: one batch with one step."""
    begun = begun or moment()
    over = {"ended": ended} if ended else {}
    return {
        "number": number, "sent": moment(), "source": "mes",
        "batch": {"id": "B-1", "product": "Cream", "recipe": "cream", "revision": "7", "size": "100 kg",
                  "state": state, "started": begun, **over},
        "runs": [{"step": step, "title": step, "run": 1, "state": state, "started": begun, **over}],
    }
