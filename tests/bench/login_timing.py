#!/usr/bin/python3
"""Can a stranger find out who has an account? What he is answered, and how long after he asked, by whom he says that he is.

Each round, --turns times and in an order of chance, all of them log in by SCRAM with a proof that is nonsense: a user who has a
password, twice; one who has none and one who is not there; users whose rule, iterations or database are others. Both twins are the
same user: what is told of them is the noise. Times are compared within each turn. For each step there is the median of what it
took longer than with the user who has a password, in microseconds (the median of the rounds, and the bounds within which that of
all turns lies in 95 of 100 cases, by its ranks); and how often one login tells (the share of turns, 50 %: never; the server's and the
client's noise is in it, so one who could ask from nearer would see more). auth_delay and the limit of failed logins are off. PostgreSQL
looks for a role by reading all of them (SearchCatCacheMiss() may not use an index yet), and hashes for the first time sooner for a
stranger. See servers.py for the rest.
"""
import argparse
import array
import math
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile

from servers import ROOT, Servers

sys.path.insert(0, os.path.join(ROOT, "tests/clients"))
import scram  # noqa: E402
import wire  # noqa: E402

VERIFIER = ("SCRAM-SHA-256$%d:Oh2koBGRyG/x52YviX/nQg==$O6LA1/Uqa3mmLZ5vDew5nDhRKwLSU2uyTa4PqKeT0no=:"
            "szsIFXUQw60dND4ZmmVwJg5H+E2rZLCsdz38VDI5jOI=")
OTHERS = ["user%04d" % i for i in range(5000)]  # who have passwords, too
NAMED = ["named%04d" % i for i in range(200)]  # whom a rule names, one after the other
CONF = """[pond]
listen_addr =
listen_port = 6000
unix_socket_dir = {dir}
auth_hba_file = %s
auth_file = %s
auth_delay = 0
max_failed_logins = 0
log_limit = 1
[database shop]
[database private]
[users]
dave = databases=shop
"""
# PostgreSQL is told of tester's, the benches' own, before.
RULES = "local private tester trust\nlocal shop %s scram-sha-256\nlocal shop,nowhere all scram-sha-256\n" % ",".join(NAMED)
PEOPLE = (("has a password", "alice", "shop"),
          ("the same again: noise", "alice", "shop"),
          ("is not there", "nobody", "shop"),
          ("is not there, nor the database", "nobody", "nowhere"),
          ("has a password, no such database", "alice", "nowhere"),
          ("is there without a password", "dave", "shop"),
          ("has other iterations", "carol", "shop"),
          ("is not there, his name as long as theirs", "nobody999", "shop"),
          ("has a password, named first", NAMED[0], "shop"),
          ("has a password, named last", NAMED[-1], "shop"),
          ("has a password, no rule", "alice", "private"),
          ("is not there, no rule", "nobody", "private"),
          ("is not there, no rule, nor the database", "nobody", "elsewhere"))
STEPS = ("start-up", "first", "proof")


class Bench(Servers):
    def pond(self):
        users = "".join('"%s" "%s"\n' % (name, VERIFIER % (100000 if name == "carol" else 4096))
                        for name in ["alice", *OTHERS, *NAMED, "carol"])
        return self.start_pond("pond", CONF % (self.write("rules", RULES), self.write("users", users)), "shop", "auth_type=hba")

    def postgres(self):
        rules = self.write("pg-rules", "local all tester trust\n" + RULES)
        os.chmod(rules, 0o644)
        server = self.start_postgres(settings=("-c", "hba_file=" + rules))
        roles = "".join("CREATE ROLE %s LOGIN PASSWORD '%s';\n" % (name, VERIFIER % (100000 if name == "carol" else 4096))
                        for name in ["alice", *OTHERS, *NAMED, "carol"])
        end = "CREATE ROLE dave LOGIN;\nCREATE DATABASE private;\nVACUUM ANALYZE pg_authid;\nCHECKPOINT;\n"
        subprocess.run(["psql", "-Xq", "-h", server.host, "-p", str(server.port), "-U", "tester", "-d", "shop", "-f",
                        self.write("roles", roles + end)], check=True)
        return server

    def times(self, server, turns):
        """people -> steps -> microseconds of each turn."""
        out = subprocess.run([os.path.join(self.options.build, "bin/bench_login"), server.host, str(server.port), str(turns),
                              *("%s@%s" % person[1:] for person in PEOPLE)], stdout=subprocess.PIPE, check=True).stdout
        all_of_them = array.array("d", out)
        width = len(PEOPLE) * len(STEPS)
        return [[all_of_them[person * len(STEPS) + step::width] for step in range(len(STEPS))] for person in range(len(PEOPLE))]

    @staticmethod
    def answers(server, user, database):
        """What it says, without what differs from one login to the next."""
        one = socket.socket(socket.AF_UNIX)
        one.connect("%s/.s.PGSQL.%d" % (server.host, server.port))
        with scram.Login(user, database, connected=one) as login:
            if login.asked[0] == "E":
                error = wire.fields(login.asked[1])
                return "%s %s" % (error["C"], error["M"].replace(user, "U").replace(database, "D"))
            got = login.challenge()
            error = login.prove(b"c=biws,r=" + got[b"r"] + b",p=" + b"A" * 43 + b"=")[-1][1]
            known = wire.fields(error)
            return "%s, nonce of %d, salt of %d, i=%s, %s %s" % (
                "+".join(login.mechanisms()), len(got[b"r"]), len(got[b"s"]), got[b"i"].decode(), known["C"],
                known["M"].replace(user, "U"))


def bounds(values):
    """Of the median, in 95 of 100 cases."""
    ordered, far = sorted(values), 0.98 * math.sqrt(len(values))
    middle = len(ordered) / 2
    return ordered[max(0, math.floor(middle - far))], ordered[min(len(ordered) - 1, math.ceil(middle + far))]


def compare(rounds, person, step):
    """Median of the rounds' medians, bounds of all turns', and how often one login is longer: each beside PEOPLE[0]'s."""
    differences = [[mine - known for mine, known in zip(times[person][step], times[0][step])] for times in rounds]
    every = [one for turn in differences for one in turn]
    longer = sum(one > 0 for one in every) / len(every)
    return (statistics.median(statistics.median(one) for one in differences), *bounds(every), 100 * max(longer, 1 - longer))


def quantile(values, part):
    return sorted(values)[int(len(values) * part)]


def report(server, rounds):
    print("\n%s: %d logins of each\n%-42s" % (server.name, sum(len(times[0][0]) for times in rounds), "who says that he"),
          *("%29s" % (step + " us") for step in STEPS))
    known = [[value for times in rounds for value in times[0][step]] for step in range(len(STEPS))]
    print("%-42s" % (PEOPLE[0][0] + ": p10, p50, p90"),
          *("%29s" % " ".join("%.1f" % quantile(values, part) for part in (0.1, 0.5, 0.9)) for values in known))
    for person, (what, *_) in enumerate(PEOPLE[1:], 1):
        words = ["%+.2f [%+.2f %+.2f] %.0f%%" % compare(rounds, person, step) if rounds[0][person][step][0] > 0 else "refused before"
                 for step in range(len(STEPS))]
        print("%-42s" % what, *("%29s" % word for word in words))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--turns", type=int, default=2000, help="of pond; PostgreSQL has a tenth")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pond-bench.") as folder:
        os.chmod(folder, 0o755)
        bench = Bench(options, folder)
        try:
            servers = {bench.pond(): options.turns, bench.postgres(): options.turns // 10}
            rounds = {server: [] for server in servers}
            for _ in range(options.rounds):
                for server, turns in servers.items():
                    rounds[server].append(bench.times(server, turns))
            for server in servers:
                report(server, rounds[server])
                for what, user, database in PEOPLE:
                    print("%-42s %s" % (what, bench.answers(server, user, database)))
        finally:
            bench.stop()


if __name__ == "__main__":
    main()
