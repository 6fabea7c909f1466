"""Runs against the sockets that GATE_SOCKET and MINT_SOCKET name; the policy there does what the target says."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from raypher_gate import GateCallError, GateClient, GateUnavailable, NotCanonical
from raypher_gate.request import prepare, to_json


def request(target, **more):
    return {"v": 1, "action": "tool.call", "target": target, **more}


class AgainstTheGate(unittest.TestCase):
    def setUp(self):
        self.gate = GateClient(os.environ["GATE_SOCKET"])
        self.mint = GateClient(os.environ["MINT_SOCKET"])
        self.addCleanup(self.gate.close)
        self.addCleanup(self.mint.close)
        self.subject = os.environ["GATE_SUBJECT"]

    def test_verdicts(self):
        verdicts = [self.gate.check(request(f"{name}/py"))["verdict"] for name in ("allow", "deny", "prompt")]
        self.assertEqual(verdicts, ["ALLOW", "DENY", "PROMPT"])

    def test_a_permit_for_an_approval_counts_as_often_as_it_says(self):
        car = self.gate.check(request("prompt/py"))["car"]
        permit = self.mint.create_permit(car, self.subject, "PROMPT", lifetime_ms=5_000, uses=2)["permit"]
        self.assertEqual(self.gate.check(request("prompt/py"), permit=permit)["source"], "permit")
        self.assertEqual(self.gate.verify_permit(permit, car)["usesLeft"], 0)
        self.assertEqual(self.gate.verify_permit(permit, car)["fault"], "permit/used")
        self.assertEqual(self.gate.check(request("prompt/py"), permit=permit)["verdict"], "DENY")

    def test_waiting_for_a_person(self):
        agreed = self.gate.check(request("prompt/agree"), wait=5)
        self.assertEqual((agreed["verdict"], agreed["source"]), ("ALLOW", "approval"))
        refused = self.gate.check(request("prompt/refuse"), wait=5)
        self.assertEqual((refused["verdict"], refused["reason"]), ("DENY", "Ada refused."))
        self.assertIn("Do not try to reach the same result in another way", refused["message"])
        nobody = self.gate.check(request("prompt/nobody"), wait=0.01)
        self.assertEqual(nobody["verdict"], "PROMPT")
        self.assertTrue(self.gate.approval_result(nobody["approval"])["pending"])

    def test_a_permit_with_an_allow(self):
        answer = self.gate.check(request("allow/py"), issue=True)
        self.assertTrue(self.gate.verify_permit(answer["permit"], answer["car"])["valid"])

    def test_hashes_do_not_depend_on_order_and_arrays_do(self):
        one = self.gate.hash_car(request("t", arguments={"a": 1, "b": [1, 2]}))["car"]
        same = self.gate.hash_car(request("t", arguments={"b": (1, 2), "a": 1.0}))["car"]
        other = self.gate.hash_car(request("t", arguments={"a": 1, "b": [2, 1]}))["car"]
        self.assertEqual(one, same)
        self.assertNotEqual(one, other)

    def test_large_integers_neighbour_no_other(self):
        cars = {self.gate.hash_car(request("t", arguments=2**53 + n))["car"] for n in range(-1, 4)}
        self.assertEqual(len(cars), 5)
        self.assertNotIn(self.gate.hash_car(request("t", arguments=str(2**53)))["car"], cars)

    def test_floats_arrive_as_they_are(self):
        for value in (0.1, 1e-7, 5e-324, 123456.789, 1 / 3, 4503599627370496.5):
            canonical = self.gate.hash_car(request("t", arguments=value))["canonical"]
            self.assertEqual(float(canonical.split('"arguments":')[1].split(",")[0]), value)

    def test_texts_arrive_as_they_are(self):
        answer = self.gate.hash_car(request("caf\u00e9 \U0001f600 \u2028 \x7f\n"))
        self.assertIn("caf\u00e9 \U0001f600 \u2028 \x7f\\n", answer["canonical"])
        self.assertFalse(answer["normalised"])
        self.assertTrue(self.gate.hash_car(request("cafe\u0301"))["normalised"])

    def test_privileged_methods_are_refused_on_the_ordinary_socket(self):
        for call in (
            lambda: self.gate.create_permit("a" * 64, self.subject, "ALLOW"),
            lambda: self.gate.cache_put("a" * 64, self.subject, 1, "ALLOW", "r", ""),
            self.gate.cache_invalidate,
        ):
            with self.assertRaises(GateCallError) as caught:
                call()
            self.assertEqual((caught.exception.code, caught.exception.fault), (-32003, "gate/forbidden"))
        self.assertTrue(self.gate.ping()["pong"])

    def test_what_is_no_action_request_is_refused(self):
        with self.assertRaises(GateCallError) as caught:
            self.gate.check({"v": 1, "target": "allow"})
        self.assertEqual(caught.exception.fault, "car/shape")

    def test_cache_and_nonces(self):
        car = "c" * 64
        self.assertTrue(self.mint.cache_put(car, self.subject, 1, "DENY", "r", "x")["stored"])
        self.assertEqual(self.gate.cache_get(car, 1, self.subject)["decision"]["verdict"], "DENY")
        self.assertEqual(self.mint.cache_invalidate(car=car)["removed"], 1)
        self.assertFalse(self.gate.cache_get(car, 1, self.subject)["hit"])
        self.assertGreaterEqual(self.gate.cache_stats()["misses"], 1)
        self.assertTrue(self.gate.check_replay("nonce-from-python", 1_000)["fresh"])
        self.assertFalse(self.gate.check_replay("nonce-from-python", 1_000)["fresh"])
        self.assertGreaterEqual(self.gate.replay_stats()["nonces"]["refused"], 1)

    def test_version(self):
        self.assertEqual(self.gate.version()["protocol"], 1)
        self.assertIn("create_permit", self.mint.version()["methods"])

    def test_threads_share_a_connection(self):
        wrong = []

        def ask(number):
            expected = "ALLOW" if number % 2 else "DENY"
            target = f"{expected.lower()}/{number}"
            if self.gate.check(request(target))["verdict"] != expected:
                wrong.append(number)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


class WithoutAGate(unittest.TestCase):
    def answered_with(self, answer):
        folder = tempfile.mkdtemp()
        path = os.path.join(folder, "s")
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(path)
        server.listen()

        def serve():
            connection, _ = server.accept()
            connection.recv(65536)
            connection.sendall(answer)
            connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        with GateClient(path, timeout=2) as gate:
            try:
                return gate.ping()
            finally:
                thread.join()
                server.close()
                os.unlink(path)
                os.rmdir(folder)

    def test_there_is_no_answer(self):
        with self.assertRaises(GateUnavailable):
            GateClient("/nonexistent/gate.sock")

    def test_answers_that_are_none(self):
        for answer in (
            b"",
            b"ALLOW\n",
            b"[]\n",
            b"\xff\n",
            b'{"jsonrpc":"2.0","id":7,"result":{}}\n',
            b'{"jsonrpc":"2.0","id":1,"result":true}\n',
            b'{"jsonrpc":"2.0","id":1}\n',
            b'{"jsonrpc":"2.0","id":1,"result":{"pong":true}',
        ):
            with self.subTest(answer=answer), self.assertRaises(GateUnavailable):
                self.answered_with(answer)

    def test_values_that_have_no_form(self):
        for value in (float("nan"), float("inf"), -0.0, 1e300, "\ud800", {1: 2}, {"a": {3}}, b"x", object()):
            with self.subTest(value=value), self.assertRaises(NotCanonical):
                prepare(value)
        loop = []
        loop.append(loop)
        with self.assertRaises(NotCanonical):
            prepare(loop)

    def test_one_line_whatever_is_in_it(self):
        line = to_json(prepare({"a": "x\ny\u2028\r"}))
        self.assertTrue(line.isascii())
        self.assertNotIn("\n", line)

    def test_nothing_but_the_standard_library(self):
        folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {folder!r}); import raypher_gate"], check=True)


if __name__ == "__main__":
    unittest.main()
