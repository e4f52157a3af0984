"""Circles of waits: found at once, and ended with 40P01 for one of those who wait in it."""
import select
import struct
import unittest

import client_test
import wire
from wire import Wire, query


def first_value(got):
    return [wire.values(body)[0] for kind, body in got if kind == "D"][0]


class Templates(unittest.TestCase):
    def setUp(self):
        self.clients = [Wire("postgres") for _ in range(3)]
        for client in self.clients:
            self.addCleanup(client.socket.close)

    def ask(self, client, name):
        return first_value(client.ask(query("SELECT pond_template('%s')" % name))[1])

    def test_who_builds_a_template_may_ask_again(self):
        self.assertEqual([self.ask(self.clients[0], "circle_again") for _ in range(2)], [b"t", b"t"])

    def test_three_builders_that_wait_for_each_other(self):
        names = ["circle_%d" % i for i in range(3)]
        for client, name in zip(self.clients, names):
            self.assertEqual(self.ask(client, name), b"t")
        for i, client in enumerate(self.clients):
            client.send(query("SELECT pond_template('%s')" % names[(i + 1) % 3]))
        told = select.select([client.socket for client in self.clients], [], [], wire.PATIENCE)[0]
        self.assertEqual(len(told), 1)
        first = [client.socket for client in self.clients].index(told[0])
        errors = [wire.fields(body) for kind, body in self.clients[first].until("Z") if kind == "E"]
        self.assertEqual(errors[0]["C"], "40P01")
        for client in self.clients:
            pid, = struct.unpack("!i", client.key[:4])
            self.assertIn("Process %d waits for template" % pid, errors[0]["D"])
        # When he goes, the one who waits for him builds, and so on.
        for step in range(1, 3):
            self.clients[(first - step + 1) % 3].socket.close()
            self.assertEqual(first_value(self.clients[(first - step) % 3].until("Z")), b"t")


if __name__ == "__main__":
    client_test.main()
