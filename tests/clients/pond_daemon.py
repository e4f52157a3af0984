"""A pondd of the test's own, whose statistics, log and end it looks at."""
import os
import re
import signal
import subprocess
import time

import wire


class Daemon:
    """Runs with that configuration file on a free port, with its unix socket and its log in the folder."""

    def __init__(self, pondd, conf, folder, *options, **named_options):
        options += tuple("%s=%s" % option for option in named_options.items())
        self.folder, self.log_path = folder, os.path.join(folder, "log")
        read_end, write_end = os.pipe()
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [pondd, "-c", conf, "-o", "listen_port=0", "-o", "unix_socket_dir=" + folder, "--ready-fd", str(write_end),
                 *wire.pondd_options(), *(word for option in options for word in ("-o", option))],
                stdin=subprocess.DEVNULL, stderr=log, pass_fds=[write_end])
        os.close(write_end)
        with os.fdopen(read_end) as ready:
            addresses = [dict(word.split("=", 1) for word in line.split()) for line in ready]
        assert addresses, "pondd did not start: " + self.log()
        tcp = next(a for a in addresses if not a["host"].startswith("/"))
        wire.HOST, wire.PORT = tcp["host"], int(tcp["port"])

    def log(self):
        """Whole lines: one may be read while it is written."""
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        return text[:text.rfind("\n") + 1]

    def signal(self, number, mark):
        """Sends it and waits until the log has one more of the mark."""
        before = self.log().count(mark)
        self.process.send_signal(number)
        end = time.monotonic() + wire.PATIENCE
        while self.log().count(mark) == before and (number != signal.SIGTERM or self.process.poll() is None):
            assert time.monotonic() < end and self.process.poll() is None, "no %s in the log" % mark
            time.sleep(0.01)

    def statistics(self):
        self.signal(signal.SIGUSR1, "statistics:")
        line = [line for line in self.log().splitlines() if "statistics:" in line][-1]
        return dict(re.findall(r"(\w+)=(\S+)", line))

    def until(self, **wanted):
        """The statistics once they have these values."""
        end = time.monotonic() + wire.PATIENCE
        while True:
            now = self.statistics()
            if all(now[name] == str(value) for name, value in wanted.items()):
                return now
            assert time.monotonic() < end, "not %s: %s" % (wanted, now)
            time.sleep(0.02)

    def settled(self):
        """The statistics once nobody is connected any more, and all memory that was let go of is back."""
        return self.until(connections=0, tasks=0, sweeps=0)

    def terminate(self):
        self.signal(signal.SIGTERM, "LOG: Terminated")

    def stop(self):
        """Its exit code."""
        if self.process.poll() is None:
            self.terminate()
        return self.process.wait(timeout=wire.PATIENCE)
