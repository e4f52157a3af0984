"""A pondd of a test's own, whose statistics and end it looks at."""
import os
import re
import signal
import subprocess
import time

import wire


class Daemon:
    """Started with these options; wire.HOST and wire.PORT are its from then on."""

    def __init__(self, pondd, conf, folder, **options):
        self.log_path = os.path.join(folder, "log")
        read_end, write_end = os.pipe()
        os.set_inheritable(write_end, True)
        with open(self.log_path, "wb") as log:
            command = [pondd, "-c", conf, "--ready-fd", str(write_end), *wire.pondd_options()]
            for option, value in dict(options, unix_socket_dir=folder).items():
                command += ["-o", "%s=%s" % (option, value)]
            self.process = subprocess.Popen(command, close_fds=False, stdin=subprocess.DEVNULL, stderr=log)
        os.close(write_end)
        with os.fdopen(read_end) as ready:
            addresses = [dict(word.split("=", 1) for word in line.split()) for line in ready]
        tcp = next(a for a in addresses if not a["host"].startswith("/"))
        wire.HOST, wire.PORT = tcp["host"], int(tcp["port"])

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def statistics(self):
        before = self.log().count("statistics:")
        self.process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + 20
        while self.log().count("statistics:") == before:
            assert time.monotonic() < end and self.process.poll() is None, "no statistics"
            time.sleep(0.01)
        line = [line for line in self.log().splitlines() if "statistics:" in line][-1]
        return dict(re.findall(r"(\w+)=(\S+)", line))

    def settled(self):
        """The statistics once nobody is connected any more."""
        end = time.monotonic() + 20
        while True:
            now = self.statistics()
            if now["connections"] == "0" and now["tasks"] == "0":
                return now
            assert time.monotonic() < end, "connections are left: %s" % now
            time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)
